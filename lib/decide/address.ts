/**
 * Which addresses may be dialled: what class an address is of, and what a rule's scope opens.
 *
 * The promise: an address is judged by everything it may turn into on its way (the IPv4 addresses inside IPv6 and
 * the IPv6 range around them), and the strictest class counts. What does not parse is reserved. Pure; local
 * addresses and listeners are asked for at each judgement, because both change while we run. What is known of an
 * address by itself is remembered: the socket of every exchange is judged.
 */
import { contains, embeddedIpv4, formatIp, isTunnelForm, isWrittenIpv4, parseIp, parseNetwork } from './ip.ts'
import type { Ip, Network } from './ip.ts'
import type { AddressClass, AddressScope, JudgeAddress } from '../model/policy.ts'

/** A metadata service, whatever the name resolves to. */
export const METADATA_NAME = 'metadata.google.internal'

/** @returns any class but `self`, which depends on who listens */
export function classifyAddress(address: string): AddressClass {
  const ip = parseIp(address)
  return ip === null ? 'reserved' : classOf(ip)
}

export interface AddressSources {
  /** Of this machine's interfaces, now; the same array while they are the same. */
  localAddresses(): readonly string[]
  /** Our own, now; the same array while they are the same. */
  listeners(): readonly { readonly address: string, readonly port: number }[]
}

export function createAddressJudge(sources: AddressSources): JudgeAddress {
  const known = new Map<string, Known>()
  const here = whileSame(sources.localAddresses, addresses => new Set(addresses.flatMap(identitiesOfText)))
  const listeningAt = whileSame(sources.listeners, listeners => new Set(listeners.flatMap(({ address }) => identitiesOfText(address))))
  return (address, port, scope) => {
    const it = known.get(address) ?? learn(known, address)
    if (it === null) return { kind: 'forbidden', class: 'reserved' }
    const isLocal = it.leadsHome || isAmong(here(), it.identities) || isAmong(listeningAt(), it.identities)
    // Whatever address a listener is bound to: on a machine's own addresses a port is as good as an address.
    if (isLocal && sources.listeners().some(listener => listener.port === port)) return { kind: 'forbidden', class: 'self' }
    const judged = isLocal ? it.classAtHome : it.class
    return { kind: opens(scope, judged, it.ip) ? 'may-dial' : 'forbidden', class: judged }
  }
}

/** What is made of a list, made again when the list is another one. */
function whileSame<T, U>(list: () => readonly T[], make: (list: readonly T[]) => U): () => U {
  let last = list()
  let made = make(last)
  return () => {
    const now = list()
    if (now !== last) [last, made] = [now, make(now)]
    return made
  }
}

function isAmong(set: ReadonlySet<string>, identities: readonly string[]): boolean {
  for (const identity of identities) if (set.has(identity)) return true
  return false
}

/** What an address is, wherever it is judged. */
interface Known {
  readonly ip: Ip
  readonly class: AddressClass
  /** Where it is an address of this machine. */
  readonly classAtHome: AddressClass
  readonly identities: readonly string[]
  readonly leadsHome: boolean
}

const MAX_KNOWN = 1_000

function learn(known: Map<string, Known>, address: string): Known | null {
  const ip = parseIp(address)
  if (ip === null) return null
  const identities = identitiesOf(ip)
  const judged = classOf(ip)
  const it = { ip, class: judged, classAtHome: strictest(['loopback', judged]), identities: identities.map(formatIp), leadsHome: identities.some(leadsHome) }
  if (known.size >= MAX_KNOWN) known.clear()
  known.set(address, it)
  return it
}

/** Whether the scope of a rule opens an IP literal; for text that is no address, never. */
export function opensLiteral(scope: AddressScope, literal: string): boolean {
  const ip = parseIp(literal)
  return ip !== null && opens(scope, classOf(ip), ip)
}

/**
 * Whether a network holds public addresses alone.
 *
 * Only of the addresses themselves: one of a public network may still carry another inside it, which is judged
 * when it is dialled.
 */
export function isPublicNetwork(text: string): boolean {
  const network = parseNetwork(text)
  if (network === null || classOf(network) !== 'public') return false
  return RANGES.every(([, range]) => !contains(network, range)) && (network.bits === 32 || network.prefix >= GLOBAL_UNICAST.prefix)
}

/** From strictest to weakest. */
const STRICTNESS: readonly AddressClass[] = ['self', 'metadata', 'reserved', 'link-local', 'loopback', 'private', 'public']

/** Shorter prefixes of a `cidr` rule do not name an address well enough to open what nobody means by accident. */
const NAMING_PREFIX = { 32: 24, 128: 64 } as const

function opens(scope: AddressScope, judged: AddressClass, ip: Ip): boolean {
  switch (judged) {
    case 'public': return true
    case 'self': return false
    case 'private':
    case 'loopback':
      return scope.private === true
        || (scope.private !== false && isCovered(networksOf(scope.private), ip))
        || isCovered(networksOf(scope.cidrs), ip)
    case 'metadata':
    case 'reserved':
    case 'link-local':
      return isCovered(networksOf(scope.cidrs).filter(({ bits, prefix }) => prefix >= NAMING_PREFIX[bits]), ip)
    default: return judged satisfies never
  }
}

function isCovered(networks: readonly Network[], ip: Ip): boolean {
  return openedAs(ip).every(identity => networks.some(network => contains(network, identity)))
}

/** What must be named to open an address: each IPv4 inside it, and itself where its own range is not public. */
function openedAs(ip: Ip): readonly Ip[] {
  const inside = embeddedIpv4(ip)
  return inside.length === 0 || outerClass(ip) !== 'public' ? [...inside, ip] : inside
}

/** Of the scopes of rules in force, each read once. */
const read = new WeakMap<readonly string[], readonly Network[]>()

function networksOf(list: readonly string[]): readonly Network[] {
  const networks = read.get(list) ?? list.map(parseNetwork).filter(network => network !== null)
  read.set(list, networks)
  return networks
}

function classOf(ip: Ip): AddressClass {
  const inside = embeddedIpv4(ip)
  const judged = strictest([outerClass(ip), ...inside.map(outerClass)])
  return judged === 'public' && isTunnelForm(ip) ? 'reserved' : judged
}

/** The class of the range an address is in. What only carries IPv4 has none of its own. */
function outerClass(ip: Ip): AddressClass {
  if (isTunnelForm(ip) || isWrittenIpv4(ip)) return 'public'
  const found = RANGES.filter(([, network]) => contains(network, ip)).map(([name]) => name)
  if (found.length > 0) return strictest(found)
  return ip.bits === 32 || contains(GLOBAL_UNICAST, ip) ? 'public' : 'reserved'
}

function strictest(classes: readonly AddressClass[]): AddressClass {
  return STRICTNESS.find(name => classes.includes(name)) ?? 'reserved'
}

/** The unspecified address is taken for this machine by the kernel, and so is all of 127/8. */
function leadsHome(ip: Ip): boolean {
  return ip.value === 0n || outerClass(ip) === 'loopback'
}

function identitiesOf(ip: Ip): readonly Ip[] {
  return [ip, ...embeddedIpv4(ip)]
}

function identitiesOfText(address: string): readonly string[] {
  // Interfaces write their zone behind the address (`fe80::1%eth0`).
  const ip = parseIp(address.replace(/%.*$/s, ''))
  return ip === null ? [] : identitiesOf(ip).map(formatIp)
}

const GLOBAL_UNICAST = networkOf('2000::/3')

/** RFC 6890 and the IANA special-purpose registries; metadata services as their clouds document them. */
const RANGES: readonly (readonly [AddressClass, Network])[] = (Object.entries({
  private: '10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 198.18.0.0/15 192.0.0.0/24 fc00::/7 fec0::/10',
  loopback: '127.0.0.0/8 ::1',
  'link-local': '169.254.0.0/16 fe80::/10',
  metadata: '169.254.169.254 169.254.169.253 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192 '
    + 'fd00:ec2::254 fd00:ec2::23 fd20:ce::254 fd00:c1::a9fe:a9fe fd00:42::42',
  reserved: '0.0.0.0/8 192.0.2.0/24 198.51.100.0/24 203.0.113.0/24 192.88.99.0/24 224.0.0.0/4 240.0.0.0/4 '
    + ':: ff00::/8 100::/64 2001::/23 2001:db8::/32 3fff::/20 5f00::/16',
}) as [AddressClass, string][]).flatMap(([name, list]) => list.split(' ').map(text => [name, networkOf(text)] as const))

function networkOf(text: string): Network {
  const network = parseNetwork(text)
  if (network === null) throw new Error(`${text} is no network`)
  return network
}
