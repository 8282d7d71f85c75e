/**
 * A TCP connection as `/proc/PID/net/tcp` and `tcp6` write it (proc(5)): the words to look for. Pure.
 */
import { isIPv4, isIPv6 } from 'node:net'

/** Text, as `net.Socket` gives it; IPv4 may stand in its IPv6 form. */
export interface Place {
  readonly address: string
  readonly port: number
}

export interface Ends {
  readonly local: Place
  readonly remote: Place
}

/**
 * @returns ` local remote ` in each form that the table may have: a program may use an IPv6 socket for IPv4. None
 *   where an address is none
 */
export function socketKeys({ local, remote }: Ends): readonly string[] {
  const [from, to] = [bytesOf(local.address), bytesOf(remote.address)]
  if (from === null || to === null) return []
  const isIpv4 = from.length === 4 && to.length === 4
  const forms = isIpv4 ? [[from, to], [mapped(from), mapped(to)]] as const : [[wide(from), wide(to)]] as const
  return forms.map(([a, b]) => ` ${words(a)}:${portOf(local.port)} ${words(b)}:${portOf(remote.port)} `)
}

/** Every socket of a table. @param table  text of `/proc/PID/net/tcp` or `tcp6` */
export function* socketsIn(table: string): Generator<{ readonly key: string, inode(): string }> {
  // Behind the line of names: sl: local remote st queues timer retransmits uid timeout inode …
  for (let at = table.indexOf('\n') + 1; at > 0 && at < table.length;) {
    const end = table.indexOf('\n', at)
    const line = table.slice(at, end < 0 ? undefined : end)
    const from = line.indexOf(':') + 1
    const remote = line.indexOf(' ', from + 1)
    const state = line.indexOf(' ', remote + 1)
    if (from > 0 && remote > 0 && state > 0) yield { key: line.slice(from, state + 1), inode: () => line.slice(state).trim().split(/ +/)[6] ?? '' }
    if (end < 0) return
    at = end + 1
  }
}

/** Four bytes at a time, each word as this machine has it in memory: little-endian on every processor that we run on. */
const words = (bytes: Uint8Array): string => Buffer.from(bytes).swap32().toString('hex').toUpperCase()
const portOf = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')

const mapped = (v4: Uint8Array): Uint8Array => Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, ...v4])
const wide = (bytes: Uint8Array): Uint8Array => bytes.length === 4 ? mapped(bytes) : bytes

function bytesOf(address: string): Uint8Array | null {
  const plain = address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
  if (isIPv4(plain)) return Uint8Array.from(plain.split('.').map(Number))
  const [bare = ''] = plain.split('%')
  if (!isIPv6(bare)) return null
  const [head = '', tail] = new URL(`http://[${bare}]/`).hostname.slice(1, -1).split('::')
  const groups = (text: string | undefined): number[] => (text ?? '').split(':').filter(Boolean).map(group => Number.parseInt(group, 16))
  const [before, after] = [groups(head), groups(tail)]
  const all = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after]
  return Uint8Array.from(all.flatMap(group => [group >> 8, group & 255]))
}
