/**
 * The packet filter of a sandbox's network: pure text for `nft -f -`, in a namespace that nothing else uses.
 *
 * Every TCP connection arrives at one listener, every question for a name at one resolver, whatever address was
 * meant. The rest is rejected and never dropped: a client that is refused goes on at once, one that is ignored waits.
 * Loopback stays the sandbox's own, but for the listener's port: who comes there by itself was not redirected.
 */

/** Where questions for names are answered. No other name is ever given these addresses. */
export const SANDBOX_DNS = { v4: '198.18.0.1', v6: 'fd53:616c:6c79::1', port: 53 } as const

/**
 * A connection that was going to the resolver anyway is not marked as redirected, so it is let through by its address.
 *
 * @param port  of the listener for TCP, on both versions of IP
 */
export function sandboxRules({ port }: { readonly port: number }): string {
  return `table inet sallyport {
  chain redirected {
    type nat hook output priority -100
    ip daddr 127.0.0.0/8 return
    ip6 daddr ::1 return
    meta nfproto ipv4 meta l4proto { tcp, udp } th dport ${SANDBOX_DNS.port} dnat ip to ${SANDBOX_DNS.v4}:${SANDBOX_DNS.port}
    meta nfproto ipv6 meta l4proto { tcp, udp } th dport ${SANDBOX_DNS.port} dnat ip6 to [${SANDBOX_DNS.v6}]:${SANDBOX_DNS.port}
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
    reject with icmpx type port-unreachable
  }
}
`
}
