/**
 * Options as they are given → values the rooms can use, or an OperatorError that says what to write.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { checkCidr } from './decide/patterns.ts'
import type { Clock } from './model/clock.ts'
import { OperatorError } from './model/errors.ts'
import type { CanonicalHost } from './model/request.ts'
import { canonicalHost } from './normalize/host.ts'

export interface Override {
  readonly host: string
  readonly port: number
  readonly addresses: readonly string[]
}

/** curl's `--resolve`: `host:port:address[,address…]`, IPv6 in brackets or not. */
export function parseOverride(text: string): Override {
  const parts = /^([^:]+|\[[^\]]+\]):(\d{1,5}):(.+)$/.exec(text)
  const host = canonicalHost(parts?.[1] ?? '')
  const port = Number(parts?.[2])
  const addresses = (parts?.[3] ?? '').split(',').map(address => address.trim().replace(/^\[(.*)\]$/, '$1'))
  if (parts === null || host.kind === 'refused' || port < 1 || port > 65_535 || addresses.some(address => isIP(address) === 0)) {
    throw new OperatorError('E_OPTION_INVALID', { option: '--resolve', problem: `"${text}" is not host:port:address`, fix: 'Write it as curl does, for example --resolve api.example.com:443:127.0.0.1.' })
  }
  return { host: host.host, port, addresses }
}

/** @returns the network in its standard spelling */
export function parseNetwork(text: string): string {
  const checked = checkCidr(text, true)
  if (checked.kind === 'sound') return checked.canonical
  throw new OperatorError('E_OPTION_INVALID', { option: '--allow-from', problem: checked.problem, fix: 'Write a network, for example 172.17.0.0/16.' })
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

export function urlOf({ host, port }: { readonly host: string, readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Asking the kernel for its interfaces costs more than a whole exchange. */
const INTERFACES_MS = 1_000

/** Addresses of this machine's interfaces, at most a second old: they change while we run. */
export function createLocalAddresses(clock: Clock): () => readonly string[] {
  let addresses: readonly string[] = []
  let until = -Infinity
  return () => {
    if (clock.elapsed() < until) return addresses
    until = clock.elapsed() + INTERFACES_MS
    const now = Object.values(networkInterfaces()).flatMap(list => (list ?? []).map(({ address }) => address))
    if (now.join() !== addresses.join()) addresses = now
    return addresses
  }
}

/** The hosts file as it is now; empty where the system has none. */
export function readHosts(): string {
  try {
    return readFileSync('/etc/hosts', 'utf8')
  } catch {
    return ''
  }
}

/** By which the system's resolver completes names; none where the system has no such file. */
export function readSearchDomains(): readonly CanonicalHost[] {
  try {
    return searchDomainsIn(readFileSync('/etc/resolv.conf', 'utf8'))
  } catch {
    return []
  }
}

/** @param text  as resolv.conf(5) has it: the last line of its kind counts */
export function searchDomainsIn(text: string): readonly CanonicalHost[] {
  const [, domains = ''] = text.split('\n').map(line => /^(?:search|domain)[ \t]+(.*)$/.exec(line)).findLast(found => found !== null) ?? []
  return domains.split(/[ \t]+/).flatMap(domain => {
    const known = canonicalHost(domain)
    return known.kind === 'host' && known.hostKind === 'name' ? [known.host] : []
  })
}

/** Short, unique in this process and hard to guess from outside it. */
export function createIds(): () => string {
  const stem = randomBytes(5).toString('hex')
  let count = 0
  return () => `${stem}-${(++count).toString(36)}`
}

export function toList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value as readonly T[] : [value as T]
}
