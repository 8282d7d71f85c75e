/**
 * A request-target in origin-form → its path, its query, and every way in which an origin may read the path.
 *
 * Nothing is repaired: what could be read as climbing out of its path is refused, what is left has 1 to 8
 * readings, and the target itself goes upstream as it is. Linear in the length of the target.
 *
 * A reading is written in one spelling: an escape of what may stand raw in a path is that character, any other
 * escape has upper-case digits, and a character that may not stand raw is escaped.
 */

export type ReadTarget =
  | {
    readonly kind: 'target'
    /** Up to the first `?`, as written. */
    readonly path: string
    /** Behind the first `?`, as written; null where there is none. */
    readonly query: string | null
    /** The first is the plainest: `%2F` is data, nothing is merged or stripped. */
    readonly readings: readonly string[]
  }
  | { readonly kind: 'refused', readonly reason: string }

export function readTarget(target: string): ReadTarget {
  if (target.charCodeAt(0) !== SLASH) return refused('the target does not begin with a slash')
  if (!isPrintable(target)) return refused('the target holds a control byte, a space, a raw byte beyond ASCII or a fragment')
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  const query = mark === -1 ? null : target.slice(mark + 1)
  if (isPlain(path)) return { kind: 'target', path, query, readings: [path] }
  const problem = problemOf(path)
  return problem === null ? { kind: 'target', path, query, readings: readingsOf(path) } : refused(problem)
}

const SLASH = 0x2f
const HASH = 0x23

/** Printable ASCII without space and `#`. */
function isPrintable(target: string): boolean {
  for (let at = 0; at < target.length; at++) {
    const code = target.charCodeAt(at)
    if (code <= 0x20 || code >= 0x7f || code === HASH) return false
  }
  return true
}

/** Only characters that may stand raw in a path, and nothing that is read in more than one way. */
function isPlain(path: string): boolean {
  let previous = 0
  for (let at = 0; at < path.length; at++) {
    const code = path.charCodeAt(at)
    if (PLAIN[code] !== 1 || (previous === SLASH && (code === SLASH || code === DOT))) return false
    previous = code
  }
  return true
}

const DOT = 0x2e

/** `pchar` of RFC 3986 §3.3 without escapes, and the slash. */
const RAW = "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@"
const PLAIN = new Uint8Array(128)
for (const character of RAW) if (character !== ';') PLAIN[character.charCodeAt(0)] = 1

/** @returns why the path can't be judged, or null */
function problemOf(path: string): string | null {
  if (path.includes('\\')) return 'the path holds a backslash'
  if (BAD_ESCAPE.test(path)) return 'the path holds a percent sign that begins no escape'
  if (ESCAPED_CONTROL.test(path)) return 'the path holds an escaped control byte'
  if (OVERLONG.test(path)) return 'the path holds an overlong form of UTF-8'
  if (hasDotSegment(path)) return 'the path holds a dot segment'
  return null
}

const BAD_ESCAPE = /%(?![\da-f]{2})/i
const ESCAPED_CONTROL = /%(?:[01][\da-f]|7f)/i
/**
 * A lead byte that can only begin a form longer than it need be, with what must follow (RFC 3629 §3), also of the five and six
 * bytes that UTF-8 once had (RFC 2279) and that decoders as old still read. Escaped once or more often.
 */
const OVERLONG = /%(?:25)*(?:c[01]%(?:25)*[89ab]|e0%(?:25)*[89]|f0%(?:25)*8|f8%(?:25)*8[0-7]|fc%(?:25)*8[0-3])/i

/**
 * Whether any origin may find `.` or `..` in the path: escaped once or more often (`%252e`), with parameters
 * (`..;x`), between slashes and backslashes that are escaped themselves.
 */
function hasDotSegment(path: string): boolean {
  const opened = path.includes('%') ? path.replace(STRUCTURE, escape => OPENED[escape.slice(-2).toLowerCase()] ?? escape) : path
  return DOT_SEGMENT.test(opened)
}

const STRUCTURE = /%(?:25)*(?:2[ef]|5c|3b)/gi
const OPENED: Readonly<Record<string, string>> = { '2e': '.', '2f': '/', '5c': '/', '3b': ';' }
const DOT_SEGMENT = /\/\.{1,2}(?:[/;]|$)/

/** Each of the three doubts is settled for the whole path at once, so that they make at most 2³ readings. */
function readingsOf(path: string): readonly string[] {
  let readings = [inOneSpelling(path)]
  if (readings[0]!.includes('%')) readings = withOther(readings, reading => reading.replace(ESCAPED_SLASH, '/'))
  if (readings[0]!.includes(';')) readings = withOther(readings, reading => reading.replace(PARAMETERS, ''))
  return withOther(readings, reading => reading.replace(SLASHES, '/'))
}

/** What the escapes look like once a path is in one spelling. */
const ESCAPED_SLASH = /%(?:2F|5C)/g
const PARAMETERS = /;[^/]*/g
const SLASHES = /\/{2,}/g

function withOther(readings: readonly string[], other: (reading: string) => string): string[] {
  return [...new Set([...readings, ...readings.map(other)])]
}

function inOneSpelling(path: string): string {
  return path.replace(ESCAPE_OR_ODD, found => {
    if (found.length === 1) return `%${found.charCodeAt(0).toString(16).toUpperCase()}`
    const character = String.fromCharCode(parseInt(found.slice(1), 16))
    return character !== '/' && RAW.includes(character) ? character : found.toUpperCase()
  })
}

/** An escape, or one of the printable characters that may not stand raw and that clients send all the same: `"<>[]^` and so on. */
const ESCAPE_OR_ODD = /%[\da-f]{2}|["<>[\]^`{|}]/gi

function refused(reason: string): ReadTarget {
  return { kind: 'refused', reason }
}
