/**
 * The packet filter of a network that is guarded: pure text for `nft -f -`.
 *
 * Every TCP connection arrives at one listener, every question for a name at one resolver, whatever address was
 * meant. The rest is rejected and never dropped: a client that is refused goes on at once, one that is ignored waits.
 * Loopback stays the sandbox's own, but for the listener's port: who comes there by itself was not redirected.
 */

/** That were rejected: datagrams, and what is neither those nor TCP (ICMP, SCTP). */
export interface Packets {
  readonly udp: number
  readonly other: number
}

/** Where questions for names are answered. No other name is ever given these addresses. */
export const SANDBOX_DNS = { v4: '198.18.0.1', v6: 'fd53:616c:6c79::1', port: 53 } as const

/** Before a table: it takes the place of one that is there, in one step with it. */
const REPLACED = 'table inet sallyport\ndelete table inet sallyport\n'

/**
 * Of a namespace that nothing else uses. A connection that was going to the resolver anyway is not marked as redirected, so it is let through by its address.
 *
 * @param port  of the listener for TCP, on both versions of IP
 * @param takesLoopbackNames  whether questions for names at loopback addresses are led to the resolver too
 */
export function sandboxRules({ port, takesLoopbackNames }: { readonly port: number, readonly takesLoopbackNames: boolean }): string {
  const ownLoopback = ['ip daddr 127.0.0.0/8 return', 'ip6 daddr ::1 return']
  const names = [
    `meta nfproto ipv4 meta l4proto { tcp, udp } th dport ${SANDBOX_DNS.port} dnat ip to ${SANDBOX_DNS.v4}:${SANDBOX_DNS.port}`,
    `meta nfproto ipv6 meta l4proto { tcp, udp } th dport ${SANDBOX_DNS.port} dnat ip6 to [${SANDBOX_DNS.v6}]:${SANDBOX_DNS.port}`,
  ]
  return `${REPLACED}table inet sallyport {
  counter rejected_udp { }
  counter rejected_other { }
  chain redirected {
    type nat hook output priority -100
    ${[...takesLoopbackNames ? [names, ownLoopback] : [ownLoopback, names]].flat().join('\n    ')}
    meta l4proto tcp redirect to :${port}
  }
  chain rejected {
    type filter hook output priority 0
    ct direction reply accept
    ct status dnat accept
    ip daddr ${SANDBOX_DNS.v4} meta l4proto { tcp, udp } th dport ${SANDBOX_DNS.port} accept
    ip6 daddr ${SANDBOX_DNS.v6} meta l4proto { tcp, udp } th dport ${SANDBOX_DNS.port} accept
    tcp dport ${port} reject with tcp reset
    ip daddr 127.0.0.0/8 accept
    ip6 daddr ::1 accept
    meta l4proto udp counter name rejected_udp reject with icmpx type port-unreachable
    counter name rejected_other reject with icmpx type port-unreachable
  }
}
`
}

/**
 * What the rules of a sandbox have counted.
 *
 * @param json  of `nft -j list counters`
 * @throws SyntaxError
 */
export function packetsIn(json: string): Packets {
  const { nftables = [] } = JSON.parse(json) as { readonly nftables?: readonly { readonly counter?: { readonly name?: string, readonly packets?: number } }[] }
  const of = (name: string): number => nftables.find(({ counter }) => counter?.name === `rejected_${name}`)?.counter?.packets ?? 0
  return { udp: of('udp'), other: of('other') }
}

/**
 * In the place of the rules of a namespace that we leave: none, or such as let nothing out.
 *
 * @param isKept  whether there is an interface that packets could leave by
 */
export function closedRules({ isKept }: { readonly isKept: boolean }): string {
  return isKept ? `${REPLACED}table inet sallyport {
  chain rejected {
    type filter hook output priority 0
    oifname "lo" accept
    reject with icmpx type port-unreachable
  }
}
` : REPLACED
}

/** Where `sallyport serve --transparent … --dns …` listens, unless told otherwise. */
export const SIDECAR = { port: 15_001, dnsPort: 15_053 } as const

/**
 * Of a namespace that the firewall shares with what it guards: what its own user sends is let through, and nothing else.
 *
 * - Loopback stays shared, but for questions for names wherever they go: Docker's resolver is at 127.0.0.11, and
 *   would carry them out. Its other ports are the same resolver's, so the address is closed.
 * - Before Docker's own chain, at -100: the first to redirect a connection has it.
 * - The kernel finds its neighbours by ICMPv6, for the firewall too; who has no NET_RAW cannot say a word in it.
 * - A packet has one destination: one that names others on its way (RFC 791 source routes, IPv6 routing headers) is
 *   going to loopback only at first.
 * - Answers to who came from outside pass: a probe, a published port.
 *
 * @param uid  that the firewall runs as; whoever guarded could become it would pass too
 * @param port  of the listener, on 127.0.0.1 and, where there is IPv6, on ::1
 * @param dnsPort  of the resolver, likewise
 */
export function sidecarRules({ uid, port, dnsPort }: { readonly uid: number, readonly port: number, readonly dnsPort: number }): string {
  return `${REPLACED}table inet sallyport {
  chain redirected {
    type nat hook output priority -110
    meta skuid ${uid} return
    meta nfproto ipv4 meta l4proto { tcp, udp } th dport 53 dnat ip to 127.0.0.1:${dnsPort}
    meta nfproto ipv6 meta l4proto { tcp, udp } th dport 53 dnat ip6 to [::1]:${dnsPort}
    ip daddr 127.0.0.0/8 return
    ip6 daddr ::1 return
    meta l4proto tcp redirect to :${port}
  }
  chain rejected {
    type filter hook output priority 0
    meta skuid ${uid} accept
    ct direction reply accept
    ip hdrlength > 5 reject with icmpx type port-unreachable
    exthdr rt exists reject with icmpx type port-unreachable
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } ip6 hoplimit 255 accept
    ct status dnat ip daddr 127.0.0.1 tcp dport { ${port}, ${dnsPort} } accept
    ct status dnat ip6 daddr ::1 tcp dport { ${port}, ${dnsPort} } accept
    ct status dnat ip daddr 127.0.0.1 udp dport ${dnsPort} accept
    ct status dnat ip6 daddr ::1 udp dport ${dnsPort} accept
    tcp dport ${port} reject with tcp reset
    ip daddr 127.0.0.11 reject with icmpx type port-unreachable
    ip daddr 127.0.0.0/8 accept
    ip6 daddr ::1 accept
    reject with icmpx type port-unreachable
  }
}
`
}
