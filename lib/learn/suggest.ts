/**
 * The rules that are offered with a question, from narrow to wide, and what an approver should beware of.
 *
 * The promise: every rule offered is one that the policy language accepts from an approval, covers the
 * request that is asked about in each way it can be read, and opens nothing that is not public. One that
 * would not is left out; a question may come without any. Pure.
 */
import { covers } from '../decide/covers.ts'
import { visible } from '../model/display.ts'
import type { RiskNote, Suggestion } from '../model/hold.ts'
import type { OneOrMore, RuleShape } from '../model/policy.ts'
import type { Facts, RequestFacts } from '../model/request.ts'
import { USUAL_PORT, isPublic, oneOrMore, placeOf, placeRule } from './place.ts'
import { endpointPath, exactPath, isNameableMethod, pathBelow, pinnedQuery } from './shapes.ts'

/** @returns up to five rules; fewer where two would be the same, or one would not be legal */
export function suggestRules(facts: Facts): readonly Suggestion[] {
  if (!isPublic(facts)) return []
  const offered: Suggestion[] = []
  const seen = new Set<string>()
  for (const suggestion of facts.kind === 'stream' ? streamShapes(facts) : requestShapes(facts)) {
    const text = JSON.stringify(suggestion.rule)
    if (seen.has(text) || !covers(suggestion.rule, facts)) continue
    seen.add(text)
    offered.push(suggestion)
  }
  return offered
}

function streamShapes(facts: Facts): Suggestion[] {
  // What passes through TLS unread is opened by the policy alone.
  if (facts.scheme !== 'tcp') return []
  return [{ shape: 'exact', says: `any bytes to ${placeOf(facts)}`, rule: placeRule(facts) }]
}

function requestShapes(facts: RequestFacts): Suggestion[] {
  const place = placeRule(facts)
  const where = placeOf(facts)
  return [
    ...pathShapes(facts, place, where),
    { shape: 'read-only', says: `reading (GET, HEAD, OPTIONS) anything on ${where}`, rule: { ...place, access: 'read-only' } },
    { shape: 'host', says: `anything on ${where}, with any method`, rule: place },
  ]
}

/** The shapes that name method and path. */
function pathShapes(facts: RequestFacts, place: RuleShape, where: string): Suggestion[] {
  const { methods, readings, query } = facts
  if (!methods.every(isNameableMethod)) return []
  const asked = { ...place, method: oneOrMore(methods) }
  const who = `${methods.map(method => visible(method, 20)).join(' or ')} ${where}`
  const pinned = query === null ? null : pinnedQuery(query)
  const shapes: Suggestion[] = []

  const exact = everyReading(readings, exactPath)
  if (exact !== null && pinned !== null) {
    shapes.push({ shape: 'exact', says: `${who}${shownPath(exact)} with exactly these query values`, rule: { ...asked, path: exact, query: pinned, onlyQuery: true } })
  } else if (exact !== null) {
    shapes.push({ shape: 'exact', says: `${who}${shownPath(exact)}, whatever the query`, rule: { ...asked, path: exact } })
  }
  const endpoint = everyReading(readings, endpointPath)
  if (endpoint !== null) shapes.push({ shape: 'endpoint', says: `${who}${shownPath(endpoint)}, whatever the query`, rule: { ...asked, path: endpoint } })
  const below = everyReading(readings, pathBelow)
  if (below !== null) shapes.push({ shape: 'below', says: `${who}${shownPath(below)}, whatever the query`, rule: { ...asked, path: below } })
  return shapes
}

/** One pattern per reading, because every reading is judged. */
function everyReading(readings: readonly string[], toPattern: (reading: string) => string | null): OneOrMore<string> | null {
  const patterns = new Set<string>()
  for (const reading of readings) {
    const pattern = toPattern(reading)
    if (pattern === null) return null
    patterns.add(pattern)
  }
  return patterns.size === 0 ? null : oneOrMore([...patterns])
}

const MAX_SHOWN_PATH = 100

function shownPath(path: OneOrMore<string>): string {
  return visible(typeof path === 'string' ? path : path.join(' or '), MAX_SHOWN_PATH)
}

export interface Seen {
  /** The registrable domain of the host; null where it has none. */
  readonly registrable: string | null
  /** Whether this domain (or address) was let through before. */
  knowsDomain(domain: string): boolean
  /** The host that redirected this client here; null where none did. */
  readonly redirectedBy: string | null
  /** Rules (null: an approval) that would let it through, had they anything left. */
  readonly usedUp: readonly { readonly rule: string | null, readonly why: string }[]
}

const MAX_BUDGETS = 3

/** What an approver should look at twice, the strangest first. */
export function riskNotes(facts: Facts, { registrable, knowsDomain, redirectedBy, usedUp }: Seen): readonly RiskNote[] {
  const { host, port, scheme } = facts
  const notes: RiskNote[] = usedUp.slice(0, MAX_BUDGETS).map(({ rule, why }) => ({ code: 'budget', says: `${rule === null ? 'an approval' : `the rule "${rule}"`} would let it through, but ${why}` }))
  if (!isPublic(facts)) notes.push({ code: 'private-address', says: `${visible(host, 80)} is not a public address` })
  if (/(?:^|\.)xn--/.test(host)) notes.push({ code: 'punycode', says: 'the name is written with letters that may look like others' })
  if (!knowsDomain(registrable ?? host)) notes.push({ code: 'first-contact', says: `nothing was let through to ${visible(registrable ?? host, 80)} before` })
  if (redirectedBy !== null) notes.push({ code: 'redirected', says: `${visible(redirectedBy, 80)}, which was let through, redirected there` })
  if (port !== USUAL_PORT[scheme]) notes.push({ code: 'odd-port', says: `port ${port} is unusual for ${scheme}` })
  if (scheme === 'http' || scheme === 'ws') notes.push({ code: 'plaintext', says: 'anybody on the way can read and change it' })
  if (facts.kind === 'request' && facts.hasContent) {
    const size = facts.contentLength === null ? 'of unknown length' : `of ${facts.contentLength} bytes`
    notes.push({ code: 'body', says: `it sends a body ${size}` })
  }
  return notes
}
