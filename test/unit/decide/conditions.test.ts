/** Queries and headers: allow must match every way of reading them, deny and hold any. */
import t from 'tap'
import { coversHeader, coversQuery } from '../../../lib/decide/conditions.ts'
import { compileRule, createPatternCache } from '../../../lib/decide/rule.ts'
import type { RuleDocument } from '../../../lib/model/policy.ts'
import { request } from './facts.ts'

const rule = (document: Partial<RuleDocument>): ReturnType<typeof compileRule> => compileRule({ id: 'r', host: 'a.example', ...document }, createPatternCache())

// [why, the rule's query, onlyQuery, the request's query, matched by allow, matched by deny]
const queries: [string, Record<string, string | string[]>, boolean, string | null, boolean, boolean][] = [
  ['no query', { a: '1' }, false, null, false, false],
  ['a value', { a: '1' }, false, 'a=1', true, true],
  ['one of two values', { a: '1' }, false, 'a=1&a=2', false, true],
  ['a list of patterns', { a: ['1', '2'] }, false, 'a=1&a=2', true, true],
  ['a name has case', { a: '1' }, false, 'A=1', false, false],
  ['an escaped name', { a: '1' }, false, '%61=%31', true, true],
  ['one decoding, not two', { a: '1' }, false, 'a=%2531', false, false],
  ['a plus is a space or itself: allow needs both', { a: 'b c' }, false, 'a=b+c', false, true],
  ['both are listed', { a: ['b c', 'b+c'] }, false, 'a=b+c', true, true],
  ['a run takes both', { a: 'b*c' }, false, 'a=b+c', true, true],
  ['a name with a plus is there in one reading only', { 'a b': '1' }, false, 'a+b=1', false, true],
  ['an escaped plus is a plus', { a: 'b+c' }, false, 'a=b%2Bc', true, true],
  ['a semicolon separates for deny alone', { b: '2' }, false, 'a=1;b=2', false, true],
  ['and is part of the value for allow', { a: '1;b=2' }, false, 'a=1;b=2', true, false],
  ['an escaped separator separates nothing', { b: '2' }, false, 'a=1%26b=2', false, false],
  ['no equals sign is an empty value', { a: '' }, false, 'a', true, true],
  ['`*` needs a character', { a: '*' }, false, 'a', false, false],
  ['the first equals sign counts', { a: '=1' }, false, 'a==1', true, true],
  ['several names must all be there', { a: '1', b: '2' }, false, 'a=1', false, false],
  ['a broken escape stays as it is', { a: '%zz' }, false, 'a=%zz', true, true],
  ['`*` crosses slashes and dots', { a: 'x*' }, false, 'a=x/../y', true, true],
  ['a name beyond ASCII', { é: '1' }, false, '%C3%A9=1', true, true],
  ['a name that objects have anyway', JSON.parse('{"__proto__":"1"}'), false, '__proto__=1', true, true],
  ['onlyQuery and nothing else', { a: '1' }, true, 'a=1', true, true],
  ['onlyQuery and another', { a: '1' }, true, 'a=1&b', false, true],
  ['onlyQuery and an empty part', { a: '1' }, true, 'a=1&&', true, true],
  ['onlyQuery and a nameless value', { a: '1' }, true, 'a=1&=x', false, true],
]
for (const [why, query, onlyQuery, asked, allow, deny] of queries) {
  const facts = request(asked === null ? '/' : `/?${asked}`)
  t.equal(coversQuery(rule({ query, onlyQuery }), facts), allow, `allow: ${why}`)
  t.equal(coversQuery(rule({ query, action: 'deny' }), facts), deny, `deny: ${why}`)
  t.equal(coversQuery(rule({ query, action: 'hold' }), facts), deny, `hold: ${why}`)
}

// [why, the rule's header, the request's fields, matched by allow, matched by deny]
const headers: [string, Record<string, string | string[]>, string[], boolean, boolean][] = [
  ['absent', { 'x-a': '1' }, [], false, false],
  ['names have no case', { 'X-A': '1' }, ['x-a', '1'], true, true],
  ['values have', { 'x-a': 'v' }, ['x-a', 'V'], false, false],
  ['one of two lines', { 'x-a': '1' }, ['x-a', '1', 'X-A', '2'], false, true],
  ['no list is split at commas', { 'x-a': '1' }, ['x-a', '1, 2'], false, false],
  ['a value is not taken for a name', { '1': 'x-a' }, ['x-a', '1', 'x', 'x-a'], false, false],
  ['two names', { 'x-a': '1', 'x-b': '*' }, ['x-b', 'z', 'x-a', '1'], true, true],
  ['what Connection takes off on the way is not sent, so it opens nothing', { 'x-key': '*' }, ['X-Key', 'a', 'Connection', 'keep-alive, x-Key'], false, true],
]
for (const [why, header, fields, allow, deny] of headers) {
  t.equal(coversHeader(rule({ header }), request('/', { fields })), allow, `allow: ${why}`)
  t.equal(coversHeader(rule({ header, action: 'deny' }), request('/', { fields })), deny, `deny: ${why}`)
}
