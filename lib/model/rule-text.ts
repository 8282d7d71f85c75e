/**
 * A rule of the policy language in one line of words, safe to show. Pure.
 */
import { visible } from './display.ts'
import type { OneOrMore, RuleShape } from './policy.ts'

const MAX_PIECE = 80
const MAX_HOST = 256
const MAX_SAID = 400

/** A rule in one line, for example `GET https api.example.com "/v1/**"`. */
export function sayRule(rule: RuleShape): string {
  const { method, access, scheme = 'https', host, cidr, port, path, query, onlyQuery, expires, maxUses, maxBytes, maxRequestsPerMinute } = rule
  const verbs = method !== undefined ? shown(method) : access === undefined || access === 'full' ? scheme === 'tcp' ? 'any bytes' : 'any method' : access
  const parts = [
    `${verbs} ${shown(scheme)} ${shown(host ?? cidr ?? '', MAX_HOST)}${port === undefined ? '' : `:${shown(port)}`}`,
    ...path === undefined ? [] : [`"${shown(path).replaceAll('"', '\u201d')}"`],
    ...query === undefined ? [] : [`where ${onlyQuery === true ? 'only ' : ''}${Object.entries(query).map(([name, value]) => `${visible(name, MAX_PIECE)} is ${shown(value)}`).join(', ')}`],
    ...maxUses === undefined ? [] : [`${maxUses} times`],
    ...maxBytes === undefined ? [] : [`${maxBytes} bytes in all`],
    ...maxRequestsPerMinute === undefined ? [] : [`${maxRequestsPerMinute} a minute`],
    ...expires === undefined ? [] : [`until ${expires}`],
  ]
  return visible(parts.join(' '), MAX_SAID)
}

function shown(value: OneOrMore<string | number>, max = MAX_PIECE): string {
  return [value].flat().map(each => visible(String(each), max)).join(' or ')
}
