/**
 * What a policy could ever let through, of a host of which nothing but its name is known. Pure.
 *
 * It rules nothing: whoever asks for a name that could be allowed may still be denied every request to it.
 */
import { isInTime } from './conditions.ts'
import type { CompiledRule } from './rule.ts'
import type { GrantIndex, Ruleset } from './ruleset.ts'
import type { CanonicalHost } from '../model/request.ts'

/** @param now  milliseconds since 1970 */
export function couldAllow(ruleset: Ruleset, grants: GrantIndex, host: CanonicalHost, now: number): boolean {
  return ruleset.unmatched !== 'deny' || speaksOf(ruleset, grants, host, now, () => true)
}

/** Whether a rule means a host by the domain that it is in, and not merely with all others: `*.corp.example` for one in `corp.example`. */
export function meansWithin(ruleset: Ruleset, grants: GrantIndex, host: CanonicalHost, domain: CanonicalHost, now: number): boolean {
  return speaksOf(ruleset, grants, host, now, rule => rule.hosts.some(({ text }) => text.endsWith(`.${domain}`)))
}

function speaksOf(ruleset: Ruleset, grants: GrantIndex, host: CanonicalHost, now: number, isOne: (rule: CompiledRule) => boolean): boolean {
  return [ruleset.index, grants.index].some(index => index.find({ host, hostKind: 'name' })
    .some(({ place }) => place.entries.some(({ rule }) => rule.action !== 'deny' && isInTime(rule, now) && isOne(rule))))
}
