/**
 * Where a redirected connection was going, from the kernel's connection tracking: `getsockopt` with SO_ORIGINAL_DST,
 * which Node has no call for. koffi makes it; an addon of ours would replace it.
 */
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'

/** `SO_ORIGINAL_DST` and `IP6T_SO_ORIGINAL_DST`, of `linux/netfilter_ipv4.h` and its like; at level SOL_IP and SOL_IPV6. */
const ORIGINAL_DST = 80
const SOL_IP = 0
const SOL_IPV6 = 41
/** `struct sockaddr_in6`; that of IPv4 is shorter. */
const SIZE = 28

type GetSockOpt = (fd: number, level: number, name: number, value: Buffer, length: Buffer) => number

let getsockopt: GetSockOpt | null = null

/**
 * @returns null where the connection was not redirected, or is closed already
 * @throws Error where koffi cannot be loaded
 */
export function originalDestination(socket: Socket): { readonly address: string, readonly port: number } | null {
  getsockopt ??= load()
  const fd = (socket as { _handle?: { fd?: number } | null })._handle?.fd ?? -1
  const remote = socket.remoteAddress
  if (fd < 0 || remote === undefined) return null
  // A listener for both versions shows an IPv4 client in its IPv6 form.
  const isIpv4 = remote.startsWith('::ffff:') || !remote.includes(':')
  const value = Buffer.alloc(SIZE)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(SIZE)
  if (getsockopt(fd, isIpv4 ? SOL_IP : SOL_IPV6, ORIGINAL_DST, value, length) !== 0) return null
  const port = value.readUInt16BE(2)
  const address = isIpv4 ? [...value.subarray(4, 8)].join('.') : (value.subarray(8, 24).toString('hex').match(/.{4}/g) ?? []).join(':')
  // One that was not redirected has our own address for its destination.
  return port === socket.localPort && isOwn(address) ? null : { address, port }
}

const isOwn = (address: string): boolean => address.startsWith('127.') || address === '0000:0000:0000:0000:0000:0000:0000:0001'

function load(): GetSockOpt {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  return koffi.load('libc.so.6').func('int getsockopt(int, int, int, void *, void *)') as unknown as GetSockOpt
}
