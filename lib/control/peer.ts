/**
 * Who is at the other end of a loopback connection, as the kernel's table of sockets tells.
 *
 * A client that runs as our own user in our own network namespace can very likely open the control
 * socket as well, and so answer its own questions. That is worth a warning, or a refusal (`strict`).
 */
import { readFile } from 'node:fs/promises'

export interface Peer {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

/** `own`: our user, or root, in our namespace. `elsewhere`: another namespace or machine, or no TCP at all. */
export type PeerKind = 'own' | 'other-user' | 'elsewhere'

/**
 * @param uid  ours
 * @param read  reads a table, rejects where there is none; for tests
 * @throws what reading throws, but for a missing table: on a system without /proc nothing is known
 */
export async function inspectPeer(peer: Peer, uid: number, read: (file: string) => Promise<string> = file => readFile(file, 'latin1')): Promise<PeerKind> {
  const { remoteAddress, remotePort } = peer
  if (remoteAddress === undefined || remotePort === undefined) return 'elsewhere'
  const wanted = remoteAddress.replace(/^::ffff:(?=\d+\.)/, '')
  const [file, address] = wanted.includes(':')
    ? ['/proc/net/tcp6', hexOfIpv6(wanted)] as const
    : ['/proc/net/tcp', hexOfIpv4(wanted)] as const
  const found = findOwner(await read(file), `${address}:${hex(remotePort, 4)}`)
    // A dual-stack client socket stands in the other table in its mapped form.
    ?? (file === '/proc/net/tcp' ? findOwner(await read('/proc/net/tcp6').catch(() => ''), `0000000000000000FFFF0000${address}:${hex(remotePort, 4)}`) : null)
  if (found === null) return 'elsewhere'
  return found === uid || found === 0 ? 'own' : 'other-user'
}

/** The user of the socket whose own end is `local`; null where the table has none. Fields of proc(5): sl, local_address, rem_address, st, queues, tr, retrnsmt, uid. */
function findOwner(table: string, local: string): number | null {
  let at = table.indexOf(` ${local} `)
  while (at >= 0) {
    const line = table.slice(table.lastIndexOf('\n', at) + 1, table.indexOf('\n', at))
    const fields = line.trim().split(/\s+/)
    if (fields[1] === local && fields[7] !== undefined) return Number(fields[7])
    at = table.indexOf(` ${local} `, at + 1)
  }
  return null
}

/** The kernel prints the address as 32-bit words of the machine, little-endian on all that Node runs on. */
function hexOfIpv4(address: string): string {
  return address.split('.').map(part => hex(Number(part), 2)).reverse().join('')
}

function hexOfIpv6(address: string): string {
  const [head = '', tail = ''] = address.split('::')
  const left = head.split(':').filter(Boolean)
  const right = address.includes('::') ? tail.split(':').filter(Boolean) : []
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right].map(group => hex(parseInt(group, 16), 4))
  let out = ''
  for (let i = 0; i < 8; i += 2) {
    const word = groups[i]! + groups[i + 1]!
    out += word.slice(6, 8) + word.slice(4, 6) + word.slice(2, 4) + word.slice(0, 2)
  }
  return out
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, '0')
}
