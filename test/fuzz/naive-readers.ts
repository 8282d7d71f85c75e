/**
 * Second readers of what clients send: as the standards have it, with no thought of time, and none of our code.
 */

/** The names in the SNI of a whole ClientHello in one record; null where the bytes are no such thing (RFC 8446 §4.1.2, RFC 6066 §3). */
export function namesInHello(record: Buffer): readonly string[] | null {
  try {
    const message = record.subarray(5)
    let at = 4 + 2 + 32
    at += 1 + message.readUInt8(at)
    at += 2 + message.readUInt16BE(at)
    at += 1 + message.readUInt8(at)
    if (at === message.length) return []
    const end = at + 2 + message.readUInt16BE(at)
    const names: string[] = []
    for (at += 2; at < end;) {
      const type = message.readUInt16BE(at)
      const body = message.subarray(at + 4, at + 4 + message.readUInt16BE(at + 2))
      at += 4 + body.length
      if (type === 0) for (let name = 2; name < body.length; name += 3 + body.readUInt16BE(name + 1)) names.push(body.toString('latin1', name + 3, name + 3 + body.readUInt16BE(name + 1)))
    }
    return names
  } catch {
    // It ended too early.
    return null
  }
}

/** RFC 3986 §3.2 without userinfo. */
const AUTHORITY = /^(\[[\da-fA-F:.]+\]|[\w.~!$&'()*+,;=%-]+)(?::([1-9]\d{0,4}))?$/

export function authorityIn(text: string): { readonly host: string, readonly port: number | null } | null {
  const found = AUTHORITY.exec(text)
  if (found === null || Number(found[2] ?? 1) > 65_535) return null
  return { host: found[1]!, port: found[2] === undefined ? null : Number(found[2]) }
}

/** Every way we know of in which an origin may read a path: each escape of a slash or not, slashes merged or not, parameters kept or not. */
export function readingsOfPath(path: string): ReadonlySet<string> {
  const readings = new Set<string>()
  for (const decodes of [false, true]) for (const strips of [false, true]) for (const merges of [false, true]) {
    let reading = path
    if (decodes) reading = reading.replace(/%2f|%5c/gi, '/')
    if (strips) reading = reading.replace(/(?:;|%3b)[^/]*/gi, '')
    if (merges) reading = reading.replace(/\/+/g, '/')
    readings.add(decoded(reading))
  }
  return readings
}

/** As far as an origin may go: escapes of escapes too, and a backslash is a slash. */
export function climbs(path: string): boolean {
  let text = path
  for (let depth = 0; depth < 4; depth++) {
    text = fromLongForms(text)
    if (text.split(/[/\\]/).some(piece => /^\.{1,2}$/.test(piece.split(';')[0]!))) return true
    text = text.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
  }
  return false
}

/** UTF-8 of two to six bytes as an old decoder has it: whatever the lead says, and six bits of each byte that follows. */
function fromLongForms(text: string): string {
  return text.replace(/[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}|[\xf8-\xfb][\x80-\xbf]{4}|[\xfc\xfd][\x80-\xbf]{5}/g, bytes => {
    const value = [...bytes].slice(1).reduce((value, byte) => value * 64 + byte.charCodeAt(0) % 64, bytes.charCodeAt(0) % 2 ** (7 - bytes.length))
    return value < 0x80 ? String.fromCharCode(value) : bytes
  })
}

/** Compared by what it says, not by how it is escaped. A slash that is data stays told apart from one that is not. */
export function decoded(path: string): string {
  return path.replace(/%([\da-f]{2})/gi, (escape, hex: string) => /^(?:2f|5c|25)$/i.test(hex) ? escape.toLowerCase() : String.fromCharCode(parseInt(hex, 16)))
}

/** What is in the first question of a DNS message: its name in lower case, or null where there is none to be read (RFC 1035 §4.1). */
export function nameInQuestion(message: Buffer): string | null {
  const labels: string[] = []
  for (let at = 12; at < message.length;) {
    const length = message[at]!
    if (length === 0) return labels.join('.').toLowerCase()
    if (length > 63 || at + 1 + length > message.length) return null
    labels.push(message.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return null
}

/** Networks of RFC 6890 and its kin that no packet of a guarded agent may reach without being named, as text for `BlockList`. */
export const NOT_PUBLIC: readonly (readonly [network: string, prefix: number])[] = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24],
  ['192.168.0.0', 16], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
]
