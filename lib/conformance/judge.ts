/** What came of a case, against what is sound. Pure. */
import { misread } from './answers.ts'
import { bytesOf } from './cases.ts'
import type { Case, Expectation } from './cases.ts'
import type { Seen } from './lanes.ts'

/** `otherwise`: nothing got through, and yet the client was not answered as we promise; only asked of ourselves. `inapplicable`: this proxy has no such door. */
export type Verdict = 'held' | 'through' | 'otherwise' | 'crashed' | 'hung' | 'inapplicable'

/** @param strict whether statuses count too, and a request that should reach the origin must */
export function judge(one: Case, answer: string, seen: readonly Seen[], strict: boolean): { readonly verdict: Verdict, readonly problem: string } {
  const sound = 'anyOf' in one.expect ? one.expect.anyOf : [one.expect]
  const leaks = sound.map(expected => leaksIn(expected, seen) || readIn(expected, answer))
  if (leaks.every(leak => leak !== '')) return { verdict: 'through', problem: leaks.join(' | ') }
  if (!strict) return { verdict: 'held', problem: '' }
  const problems = sound.map((expected, index) => leaks[index] || differences(expected, one, answer, seen.length))
  return problems.includes('') ? { verdict: 'held', problem: '' } : { verdict: 'otherwise', problem: problems.join(' | ') }
}

/** What reached the origin and should not have, in whatever order: requests that change nothing may be under way together. A proxy that sends less than it may holds the line. */
function leaksIn({ upstreamRequests, upstream = {} }: Expectation, seen: readonly Seen[]): string {
  const { targets, bodies, headers = {}, absent = [] } = upstream
  if (seen.length > upstreamRequests) return `${seen.length} requests reached the origin: ${seen.map(({ url }) => url.slice(0, 80)).join(' ')}`
  const left = Array.from({ length: upstreamRequests }, (_, index) => ({ url: targets?.[index], body: bodies?.[index] }))
  for (const { url, body } of seen) {
    const at = targets === undefined ? 0 : left.findIndex(each => each.url === url)
    if (at === -1) return `the target ${url.slice(0, 80)} reached the origin`
    const [expected] = left.splice(at, 1)
    if (bodies !== undefined && expected?.body !== body) return 'another body reached the origin'
  }
  const [first] = seen
  if (first !== undefined) for (const [name, value] of Object.entries(headers)) if (fieldOf(first, name) !== value) return `${name} reached the origin as ${fieldOf(first, name)}`
  return absent.find(name => seen.some(one => fieldOf(one, name) !== undefined))?.concat(' reached the origin') ?? ''
}

function readIn({ lacks = [] }: Expectation, answer: string): string {
  const read = lacks.find(text => answer.includes(text))
  return read === undefined ? '' : `the client read ${JSON.stringify(read)}`
}

function differences({ status, then, upstreamRequests }: Expectation, one: Case, answer: string, count: number): string {
  if (count !== upstreamRequests) return `${count} requests reached the origin, not ${upstreamRequests}`
  if (one.via === 'steps') return ''
  return misread(answer, bytesOf(one), { ...status === 'any' ? {} : { status }, ...then === undefined ? {} : { then } })
}

function fieldOf({ rawHeaders }: Seen, name: string): string | undefined {
  const at = rawHeaders.findIndex((field, index) => index % 2 === 0 && field.toLowerCase() === name.toLowerCase())
  return at < 0 ? undefined : rawHeaders[at + 1]
}
