/**
 * Names and the addresses that we hand out for them: who connects to such an address asked for its name. Pure.
 *
 * Nothing is resolved here. An address stands for one name while its time or a flow to it lasts, and after that until
 * it is needed: only when all are given out goes the one that has been unused for longest to another name.
 */
import type { Clock } from '../model/clock.ts'
import type { CanonicalHost } from '../model/request.ts'
import { canonicalHost } from '../normalize/host.ts'

/** 198.18.0.0/15 (RFC 2544), which no route of the public network has. */
const FIRST = (198 << 24 | 18 << 16) >>> 0
const SIZE = 1 << 17
/**
 * In IPv6 an address is its IPv4 one behind this, in the network that the resolver's own lies in: one table serves both.
 * A unique local prefix (RFC 4193) of ours, which no route of the public network has.
 */
const NETWORK_6 = 'fd53:616c:6c79:'
const PREFIX_6 = `${NETWORK_6}1::`
/** The lowest are not handed out: the network's own, and the one that questions go to. */
const RESERVED = 16

export interface Names {
  /**
   * @param name  as a client asked for it, without trailing dot
   * @param version  of IP; default: 4
   * @returns the address that stands for it from now on; null for what is no name, or when no address is free
   */
  addressFor(name: string, version?: 4 | 6): string | null
  /** @returns the name that an address stands for; null for one that stands for none */
  nameOf(address: string): CanonicalHost | null
  /** Whether an address is one of those that are handed out, or could be. */
  isOurs(address: string): boolean
  /** Keeps an address its name's while a flow to it lasts. @returns how to say that the flow is over */
  retain(address: string): () => void
  /** Names that have an address. */
  readonly size: number
}

export interface NamesOptions {
  readonly clock: Clock
  /** How long an address is its name's after it was asked for, or after its last flow. Longer than any client remembers an answer. */
  readonly ttlMs: number
  /** Names at once. Default: every address of the range, 131,056. */
  readonly max?: number
}

interface Given {
  readonly host: CanonicalHost
  readonly address: string
  flows: number
  /** In milliseconds of `clock.elapsed()`. */
  until: number
}

export function createNames({ clock, ttlMs, max = SIZE - RESERVED }: NamesOptions): Names {
  const byHost = new Map<CanonicalHost, Given>()
  const byAddress = new Map<string, Given>()
  /** Those without a flow, the first to expire first: each is put at the end with a time that is never earlier. */
  const idle = new Set<Given>()

  const renew = (given: Given): void => {
    given.until = clock.elapsed() + ttlMs
    idle.delete(given)
    if (given.flows === 0) idle.add(given)
  }

  function freeAddress(): string | null {
    if (byAddress.size < Math.min(max, SIZE - RESERVED)) return spell(FIRST + RESERVED + byAddress.size)
    const [oldest] = idle
    if (oldest === undefined || oldest.until > clock.elapsed()) return null
    idle.delete(oldest)
    byHost.delete(oldest.host)
    byAddress.delete(oldest.address)
    return oldest.address
  }

  const find = (address: string): Given | undefined => byAddress.get(address.includes(':') ? asIpv4(spelled(address)) : address)

  return {
    get size() { return byHost.size },
    addressFor(name, version = 4) {
      const known = canonicalHost(name)
      if (known.kind === 'refused' || known.hostKind !== 'name') return null
      let given = byHost.get(known.host)
      if (given === undefined) {
        const address = freeAddress()
        if (address === null) return null
        given = { host: known.host, address, flows: 0, until: 0 }
        byHost.set(known.host, given)
        byAddress.set(address, given)
      }
      renew(given)
      return version === 4 ? given.address : spell6(given.address)
    },
    nameOf: address => find(address)?.host ?? null,
    isOurs: address => /^198\.1[89]\./.test(address) || spelled(address).startsWith(NETWORK_6),
    retain(address) {
      const given = find(address)
      if (given === undefined) return () => {}
      given.flows++
      idle.delete(given)
      let isOver = false
      return () => {
        if (isOver) return
        isOver = true
        given.flows--
        renew(given)
      }
    },
  }
}

const spell = (address: number): string => [24, 16, 8, 0].map(shift => address >>> shift & 255).join('.')

function spell6(address: string): string {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  return `${PREFIX_6}${(a << 8 | b).toString(16)}:${(c << 8 | d).toString(16)}`
}

/** @param address  as RFC 5952 spells it. @returns what is no address of ours for one that stands for none */
function asIpv4(address: string): string {
  const [, high, low] = /^([\da-f]{1,4}):([\da-f]{1,4})$/.exec(address.slice(PREFIX_6.length)) ?? []
  if (!address.startsWith(PREFIX_6) || high === undefined || low === undefined) return ''
  return spell((Number.parseInt(high, 16) << 16 | Number.parseInt(low, 16)) >>> 0)
}

/** One spelling of each address: RFC 5952's. */
function spelled(address: string): string {
  const known = canonicalHost(address)
  return known.kind === 'host' ? known.host : ''
}
