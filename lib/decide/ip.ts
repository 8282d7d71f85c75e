/**
 * IP addresses and networks as numbers, and the IPv4 addresses that hide inside IPv6.
 *
 * Node's `BlockList` misses NAT64 and the IPv4-compatible forms, and `net.isIP` lets a zone pass
 * (`::ffff:1.2.3.4%x.allowed.com`), so both are done here. Pure; whatever does not parse is null.
 */
import { isIP } from 'node:net'

export interface Ip {
  readonly bits: 32 | 128
  readonly value: bigint
}

export interface Network extends Ip {
  /** 0 to `bits`. */
  readonly prefix: number
}

const IP_CHARACTERS = /^[\da-f:.]{2,45}$/i

/** @param text an address in any spelling `net.isIP` knows, without brackets and without a zone */
export function parseIp(text: string): Ip | null {
  if (!IP_CHARACTERS.test(text)) return null
  switch (isIP(text)) {
    case 4: return { bits: 32, value: valueOf4(text) }
    case 6: return { bits: 128, value: valueOf6(text) }
    default: return null
  }
}

/** @returns null where the text is no network; host bits are kept, see `lowest` */
export function parseNetwork(text: string): Network | null {
  const [address = '', length, ...more] = text.split('/')
  const ip = parseIp(address)
  if (ip === null || more.length > 0) return null
  if (length === undefined) return { ...ip, prefix: ip.bits }
  const prefix = /^(?:0|[1-9]\d{0,2})$/.test(length) ? Number(length) : -1
  return prefix < 0 || prefix > ip.bits ? null : { ...ip, prefix }
}

/** The first address of the network: what its text must begin with. */
export function lowest({ bits, value, prefix }: Network): bigint {
  return value >> BigInt(bits - prefix) << BigInt(bits - prefix)
}

export function contains(network: Network, ip: Ip): boolean {
  if (network.bits !== ip.bits) return false
  const host = BigInt(network.bits - network.prefix)
  return ip.value >> host === network.value >> host
}

/** Canonical text, as `new URL` writes it. */
export function formatIp({ bits, value }: Ip): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map(shift => String(value >> shift & 0xffn)).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => (value >> BigInt(112 - 16 * at) & 0xffffn).toString(16))
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

/**
 * Every IPv4 address that a translator or tunnel on the way may make of an IPv6 address; empty where there is none.
 *
 * RFC 4291 (mapped, compatible), RFC 6052 (translated, NAT64), RFC 8215 (local NAT64, at the /48 place and in the
 * last 32 bits), RFC 3056 (6to4), RFC 4380 (Teredo: server and client), RFC 5214 (ISATAP).
 */
export function embeddedIpv4({ bits, value }: Ip): readonly Ip[] {
  if (bits === 32) return []
  const found: bigint[] = []
  const last = value & IPV4_MASK
  const head = value >> 32n
  if (head === 0n ? value > 1n : WHOLE_PREFIXES.has(head)) found.push(last)
  if (value >> 80n === LOCAL_NAT64) found.push((value >> 64n & 0xffffn) << 16n | value >> 40n & 0xffffn, last)
  if (value >> 112n === SIX_TO_FOUR) found.push(value >> 80n & IPV4_MASK)
  if (value >> 96n === TEREDO) found.push(value >> 64n & IPV4_MASK, ~last & IPV4_MASK)
  if ((value >> 32n & 0xfdffffffn) === ISATAP) found.push(last)
  return found.map(value => ({ bits: 32, value }))
}

/** The forms that carry IPv4 and are never a public address themselves: 6to4, Teredo, local NAT64. */
export function isTunnelForm({ bits, value }: Ip): boolean {
  return bits === 128 && (value >> 112n === SIX_TO_FOUR || value >> 96n === TEREDO || value >> 80n === LOCAL_NAT64)
}

/** The forms that are nothing but another way of writing an IPv4 address. */
export function isWrittenIpv4({ bits, value }: Ip): boolean {
  const head = value >> 32n
  return bits === 128 && (head === 0n ? value > 1n : WHOLE_PREFIXES.has(head))
}

const IPV4_MASK = 0xffffffffn
/** First 96 bits of ::ffff:0:0/96, ::ffff:0:0:0/96 and 64:ff9b::/96. */
const WHOLE_PREFIXES: ReadonlySet<bigint> = new Set([0xffffn, 0xffff0000n, 0x64ff9bn << 64n])
const LOCAL_NAT64 = 0x64ff9b0001n
const SIX_TO_FOUR = 0x2002n
const TEREDO = 0x20010000n
/** `::0:5efe`, with or without the universal bit. */
const ISATAP = 0x5efen

function valueOf4(text: string): bigint {
  return text.split('.').reduce((value, part) => value << 8n | BigInt(part), 0n)
}

function valueOf6(text: string): bigint {
  const [head = '', tail] = text.split('::')
  const left = groupsOf(head)
  const right = groupsOf(tail ?? '')
  const gap = Array<bigint>(8 - left.length - right.length).fill(0n)
  return [...left, ...gap, ...right].reduce((value, group) => value << 16n | group, 0n)
}

function groupsOf(text: string): bigint[] {
  if (text === '') return []
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return [BigInt(`0x${group}`)]
    const value = valueOf4(group)
    return [value >> 16n, value & 0xffffn]
  })
}
