/**
 * The peers of the scoreboard, as data: where each comes from, how it is started, and what its configuration cannot say.
 *
 * Each is told the same: these hosts on ports 80 and 443, nothing else, as its own documentation recommends; the files
 * beside this one in `setup/` are what its users would write.
 */

/** A case about something that a peer's configuration has no words for counts for neither side. */
export type Silence =
  /** It relays TLS: what is said inside is no business of its. */
  | 'inside-tls'
  /** A host is allowed wherever its name leads. */
  | 'private-names'
  /** A name that leads to loopback has its address allowed, too: asking for that address is no attack then. */
  | 'addresses'

export interface Peer {
  /** Also the name of its folder and, with an ending, of its setup. */
  readonly id: string
  readonly name: string
  /** How it was set up, in a sentence or two. */
  readonly about: string
  /** Pages that its setup follows. */
  readonly docs: readonly string[]
  /** `version` is that of the package, pinned; Debian's is whatever the release has. `packages`: the peer first, then what it needs. */
  readonly from:
    | { readonly kind: 'npm', readonly package: string, readonly version: string, readonly packages?: readonly string[] }
    | { readonly kind: 'debian', readonly packages: readonly [string, ...string[]] }
  /** File of `setup/`, run by `sh` or Node. */
  readonly setup: string
  /** The roots that it signs with, in its folder; absent where it shows the origins' own certificates, or keeps them to itself. */
  readonly ca?: string
  readonly cannotSay: readonly Silence[]
}

export const peers: readonly Peer[] = [
  {
    id: 'mitmproxy',
    name: 'mitmproxy',
    about: 'An addon refuses, on CONNECT and on each request, what goes to another host or port, or names another one in Host; raw TCP is off.',
    docs: ['https://docs.mitmproxy.org/stable/addons/overview/', 'https://docs.mitmproxy.org/stable/concepts/options/'],
    from: { kind: 'debian', packages: ['mitmproxy'] },
    setup: 'mitmproxy.sh',
    ca: 'mitmproxy-ca-cert.pem',
    cannotSay: ['private-names'],
  },
  {
    id: 'squid',
    name: 'squid, ssl-bump',
    about: 'Lists of names, ports and addresses, the last word "deny all"; TLS is peeked at, then bumped.',
    docs: ['https://wiki.squid-cache.org/Features/SslPeekAndSplice', 'https://www.squid-cache.org/Doc/config/acl/', 'https://www.squid-cache.org/Doc/config/http_access/'],
    from: { kind: 'debian', packages: ['squid-openssl', 'openssl'] },
    setup: 'squid.sh',
    ca: 'ca.pem',
    cannotSay: [],
  },
  {
    id: 'mockttp',
    name: 'mockttp',
    about: 'A rule for each allowed host, which the Host field has to name too, passes it through; what no rule matches is answered by it.',
    docs: ['https://github.com/httptoolkit/mockttp/blob/main/docs/setup.md', 'https://httptoolkit.github.io/mockttp/'],
    from: { kind: 'npm', package: 'mockttp', version: '4.6.5' },
    setup: 'mockttp.mjs',
    ca: 'ca.pem',
    cannotSay: ['private-names'],
  },
  {
    id: 'http-mitm-proxy',
    name: 'http-mitm-proxy',
    about: 'Handlers of CONNECT and of each request refuse what goes to another host or port, or names another one in Host.',
    docs: ['https://github.com/joeferner/node-http-mitm-proxy#readme'],
    from: { kind: 'npm', package: 'http-mitm-proxy', version: '1.1.0' },
    setup: 'http-mitm-proxy.mjs',
    ca: 'certs/ca.pem',
    cannotSay: ['private-names'],
  },
  {
    id: 'sandbox-runtime',
    name: 'sandbox-runtime',
    about: 'The proxy beside its sandbox: allowedDomains with ports, TLS terminated (which is experimental there), and a filterRequest that wants the URL and the Host field to name an allowed host. Since the origins are on loopback, their addresses are in the list, too, as its readme says.',
    docs: ['https://github.com/anthropic-experimental/sandbox-runtime#readme'],
    from: { kind: 'npm', package: '@anthropic-ai/sandbox-runtime', version: '0.0.78', packages: ['bubblewrap', 'socat', 'ripgrep'] },
    setup: 'sandbox-runtime.mjs',
    cannotSay: ['private-names', 'addresses'],
  },
  {
    id: 'tinyproxy',
    name: 'tinyproxy',
    about: 'A filter of host names that denies by default; CONNECT to port 443 alone. It relays TLS.',
    docs: ['https://tinyproxy.github.io/#documentation'],
    from: { kind: 'debian', packages: ['tinyproxy'] },
    setup: 'tinyproxy.sh',
    cannotSay: ['inside-tls', 'private-names'],
  },
]
