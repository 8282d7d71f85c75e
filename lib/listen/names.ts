/**
 * Names and the addresses that we hand out for them: who connects to such an address asked for its name. Pure.
 *
 * Nothing is resolved here. An address stands for one name as long as the table lives and is never given to
 * another, so that no connection, however late, is judged by a name that was not meant.
 */
import type { CanonicalHost } from '../model/request.ts'
import { canonicalHost } from '../normalize/host.ts'

/** 198.18.0.0/15 (RFC 2544), which no route of the public network has. */
const FIRST = (198 << 24 | 18 << 16) >>> 0
const SIZE = 1 << 17
/** The lowest are not handed out: the network's own, and the one that questions go to. */
const RESERVED = 16

export interface Names {
  /**
   * @param name  as a client asked for it, without trailing dot
   * @returns the address that stands for it; null for what is no name, or when all addresses are given out
   */
  addressFor(name: string): string | null
  /** @returns the name that an address stands for; null for one that was never given out */
  nameOf(address: string): CanonicalHost | null
  /** Whether an address is one of those that are handed out, or could be. */
  isOurs(address: string): boolean
  readonly size: number
}

/** @param max  names in all; a sandbox that asks for more gets no further answers */
export function createNames(max = SIZE - RESERVED): Names {
  const addresses = new Map<CanonicalHost, string>()
  const names = new Map<string, CanonicalHost>()
  return {
    get size() { return names.size },
    addressFor(name) {
      const known = canonicalHost(name)
      if (known.kind === 'refused' || known.hostKind !== 'name') return null
      const given = addresses.get(known.host)
      if (given !== undefined) return given
      if (names.size >= max) return null
      const address = spell(FIRST + RESERVED + names.size)
      addresses.set(known.host, address)
      names.set(address, known.host)
      return address
    },
    nameOf: address => names.get(address) ?? null,
    isOurs: address => /^198\.1[89]\./.test(address),
  }
}

const spell = (address: number): string => [24, 16, 8, 0].map(shift => address >>> shift & 255).join('.')
