/**
 * Texts for people: what came from outside made safe to look at, times and numbers as they are said.
 */

/** Controls, bidi and zero-width characters, unusual spaces: what would hide, join or turn what stands beside it. */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}]|(?! )\p{Z}|\u2800/gu

/**
 * @param {unknown} text  null and undefined are an empty text
 * @param {number} [max]  what is longer is cut in the middle
 */
export function visible(text, max = 400) {
  const shown = String(text ?? '').replace(UNSAFE, character => `\\u{${character.codePointAt(0)?.toString(16)}}`)
  if (shown.length <= max) return shown
  return `${shown.slice(0, Math.ceil((max - 1) / 2))}…${shown.slice(-Math.floor((max - 1) / 2))}`
}

/**
 * @param {number} ms
 * @returns {string} `12 s`, `4 min`, `3 h`, `2 d`
 */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`
  return seconds < 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}

/** @param {number} ms what is left: `3:07` */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000))
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** @param {string | null} iso */
export function clock(iso) {
  return iso === null ? '' : new Date(iso).toLocaleTimeString(undefined, { hour12: false })
}

/** @param {number | null} bytes */
export function size(bytes) {
  if (bytes === null) return 'unknown length'
  if (bytes < 1024) return `${bytes} B`
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1024 ** 2).toFixed(1)} MiB`
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`
}

/**
 * A rule on one line, as its parts are said: `GET a.example.com/items/*`.
 *
 * @param {Readonly<Record<string, unknown>>} rule
 */
export function ruleLine(rule) {
  const { method, access, host, cidr, port, path, scheme, query } = rule
  const list = (/** @type {unknown} */ value) => [value].flat().join(' or ')
  const what = method !== undefined ? list(method) : access === 'read-only' ? 'read' : access === 'read-write' ? 'read and write' : 'anything'
  const where = `${list(host ?? cidr ?? 'any host')}${port === undefined ? '' : `:${list(port)}`}${path === undefined ? '' : ` ${list(path)}`}`
  return visible(`${what} ${scheme === undefined || scheme === 'https' ? '' : `${list(scheme)} `}${where}${query === undefined ? '' : ' with these query values'}`, 300)
}
