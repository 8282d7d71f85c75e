/**
 * A second reader of HTTP/1.1 replies, as strict as a client could be: of a firewall's own doors, which say JSON, or the page.
 */

const STATUS = /^HTTP\/1\.1 ([1-5]\d\d) [\x20-\x7e]*\r\n/
const FIELD = /^([a-z][a-z-]*): ([\x20-\x7e]*)$/i

/**
 * @param text all that came on a connection, one character for one byte
 * @param methods of the requests, in order; null where nobody can tell what they were
 * @param isComplete the last reply is whole, and there is at least one
 * @returns what is wrong with it, or null
 */
export function repliesIn(text: string, methods: readonly string[] | null, isComplete: boolean): string | null {
  let rest = text
  let count = 0
  while (rest !== '') {
    const status = Number(STATUS.exec(rest)?.[1] ?? 0)
    const end = rest.indexOf('\r\n\r\n')
    if (status === 0 || end === -1) return isComplete ? `this is no reply: ${shown(rest)}` : null
    if (status >= 500) return `a fault: ${shown(rest)}`
    const lines = rest.slice(0, end).split('\r\n').slice(1)
    const fields = new Map<string, string>()
    for (const line of lines) {
      const [, name, value] = FIELD.exec(line) ?? []
      if (name === undefined || (fields.has(name.toLowerCase()) && name.toLowerCase() !== 'set-cookie')) return `this is no field, or one too many: ${shown(line)}`
      fields.set(name.toLowerCase(), value!)
    }
    rest = rest.slice(end + 4)
    if (status < 200) continue
    const method = methods?.[count++]
    const type = fields.get('content-type') ?? ''
    if (type.startsWith('text/event-stream')) return null
    if (!fields.has('content-length')) return `a reply without a length: ${shown(lines.join(', '))}`
    const length = Number(fields.get('content-length'))
    if (status === 204 || status === 304) continue
    // What was no request at all is told why, whatever its method would have been; and where nobody can tell, it may have been HEAD.
    const mayHaveNone = method === 'HEAD' ? rest === '' || STATUS.test(rest) : methods === null && STATUS.test(rest)
    if (mayHaveNone) continue
    if (rest.length < length) return isComplete ? `a reply is ${length - rest.length} bytes short` : null
    const body = rest.slice(0, length)
    rest = rest.slice(length)
    if (!/^(application\/json|text\/(html|css|javascript)|image\/svg\+xml)(;|$)/.test(type)) return `${status} says ${type || 'nothing of its type'}: ${shown(body)}`
    if (type.startsWith('application/json') && !isJson(body)) return `this is no JSON: ${shown(body)}`
  }
  return isComplete && count === 0 ? 'it was not answered' : null
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 300))
