/**
 * Where a redirected connection was going, from the kernel's connection tracking: `getsockopt` with SO_ORIGINAL_DST,
 * which Node has no call for. koffi makes it; an addon of ours would replace it.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { OperatorError } from '../model/errors.ts'

/** `SO_ORIGINAL_DST` and `IP6T_SO_ORIGINAL_DST`, of `linux/netfilter_ipv4.h` and its like; at level SOL_IP and SOL_IPV6. */
const ORIGINAL_DST = 80
const SOL_IP = 0
const SOL_IPV6 = 41
/** `struct sockaddr_in6`; that of IPv4 is shorter. */
const SIZE = 28

export interface Destination {
  /** IPv4 or IPv6, in text. */
  readonly address: string
  readonly port: number
}

export type DestinationOf = (socket: Socket) => Destination | null

type GetSockOpt = (fd: number, level: number, name: number, value: Buffer, length: Buffer) => number

let getsockopt: GetSockOpt | null = null

/**
 * Loads what it needs now and not before: it is said before anybody relies on it, and only who asks pays for it.
 *
 * @returns tells where a connection was going; null where it was not redirected, or is closed already
 * @throws OperatorError E_SANDBOX_TOOL where koffi cannot be loaded
 */
export function openDestinations(): DestinationOf {
  const call = getsockopt ??= load()
  return socket => ask(call, socket)
}

function ask(call: GetSockOpt, socket: Socket): Destination | null {
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1
  const { remoteAddress: remote, localAddress: local, localPort } = socket
  if (fd < 0 || remote === undefined || local === undefined) return null
  // A listener for both versions shows an IPv4 client in its IPv6 form.
  const isIpv4 = remote.startsWith('::ffff:') || !remote.includes(':')
  const value = Buffer.alloc(SIZE)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(SIZE)
  if (call(fd, isIpv4 ? SOL_IP : SOL_IPV6, ORIGINAL_DST, value, length) !== 0) return null
  const port = value.readUInt16BE(2)
  const address = isIpv4 ? [...value.subarray(4, 8)].join('.') : spellIpv6(value.subarray(8, 24).toString('hex').match(/.{4}/g)!.join(':'))
  // One that came here by itself is, to the kernel, on its way to where it has arrived: an explicit client, or a loop.
  const isOurOwn = port === localPort && address === (isIpv4 ? local.replace('::ffff:', '') : spellIpv6(local))
  return isOurOwn ? null : { address, port }
}

/** As RFC 5952 has it. */
const spellIpv6 = (address: string): string => new URL(`http://[${address}]/`).hostname.slice(1, -1)

function load(): GetSockOpt {
  try {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
    // Of what this process has loaded already: the C library has another name where it is musl.
    return koffi.load(null).func('int getsockopt(int, int, int, void *, void *)') as unknown as GetSockOpt
  } catch (error) {
    throw new OperatorError('E_SANDBOX_TOOL', { tool: 'koffi', package: 'koffi, on Linux' }, error)
  }
}
