/**
 * What was asked about in this session, to say of a rule that is offered what else it would have let through.
 *
 * It is shown and nothing else: no ruling depends on it. Bounded, the latest are kept; of a request only what rules are
 * made of, no field and nothing long.
 */
import { coverage } from './decide/covers.ts'
import { visible } from './model/display.ts'
import type { Suggestion } from './model/hold.ts'
import type { Facts, RequestFacts } from './model/request.ts'

export interface AskedBefore {
  /** Somebody was asked about it. */
  note(facts: Facts): void
  /** And denied it. */
  deny(facts: Facts): void
  /** The same rules, each with what else it covers of what was asked about. */
  offer(suggestions: readonly Suggestion[], facts: Facts): readonly Suggestion[]
}

const MAX_HOSTS = 100
const MAX_PER_HOST = 20
/** Of a target, in characters. */
const MAX_TARGET = 500
const MAX_EXAMPLES = 3
const MAX_SHOWN = 80

interface Seen {
  readonly facts: RequestFacts
  isDenied: boolean
}

export function createAskedBefore(): AskedBefore {
  /** By where they went, the latest last. */
  const places = new Map<string, Map<string, Seen>>()

  function find(facts: Facts): Seen | null {
    return facts.kind === 'request' ? places.get(placeKey(facts))?.get(requestKey(facts)) ?? null : null
  }

  return {
    note(facts) {
      if (facts.kind !== 'request' || facts.target.length > MAX_TARGET) return
      const key = placeKey(facts)
      const seen = places.get(key) ?? new Map<string, Seen>()
      const known = find(facts)
      renew(places, key, seen, MAX_HOSTS)
      // Whoever asks a great deal does not make anybody forget what was denied.
      renew(seen, requestKey(facts), known ?? { facts: { ...facts, fields: [] }, isDenied: false }, MAX_PER_HOST, [...seen].find(([, { isDenied }]) => !isDenied)?.[0])
    },
    deny(facts) {
      const seen = find(facts)
      if (seen !== null) seen.isDenied = true
    },
    offer(suggestions, facts) {
      const itself = find(facts)
      const others = [...places.get(placeKey(facts))?.values() ?? []].reverse().filter(seen => seen !== itself)
      if (others.length === 0) return suggestions
      return suggestions.map(suggestion => {
        const covers = coverage(suggestion.rule)
        const also = others.filter(seen => covers(seen.facts))
        return also.length === 0 ? suggestion : { ...suggestion, also: tell(also) }
      })
    },
  }
}

/** Puts it at the end. @param least  what makes room; default: the first */
function renew<Value>(map: Map<string, Value>, key: string, value: Value, max: number, least: string | undefined = map.keys().next().value): void {
  if (!map.delete(key) && map.size >= max && least !== undefined) map.delete(least)
  map.set(key, value)
}

/** Rules name a query rarely: what differs in it alone is told once. */
function requestKey({ methods, path, hasContent }: RequestFacts): string {
  return JSON.stringify([methods, path, hasContent])
}

function placeKey({ scheme, host, port }: Facts): string {
  return `${scheme} ${host} ${port}`
}

/** What was denied comes first. */
function tell(also: readonly Seen[]): NonNullable<Suggestion['also']> {
  const denied = also.filter(({ isDenied }) => isDenied)
  const examples = [...denied, ...also.filter(({ isDenied }) => !isDenied)].slice(0, MAX_EXAMPLES).map(({ facts: { method, path } }) => `“${visible(`${method} ${path}`, MAX_SHOWN)}”`)
  const count = also.length === 1 ? 'another request that was' : `${also.length} other requests that were`
  const denials = denied.length === 0 ? '' : denied.length === also.length ? ', and DENIED' : `, ${denied.length} of them DENIED`
  return {
    requests: also.length,
    denied: denied.length,
    says: `covers ${count} asked about${denials}: ${examples.join(', ')}${also.length > examples.length ? ', …' : ''}`,
  }
}
