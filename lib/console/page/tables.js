/**
 * What is open and what rules: the grants, each to be taken back, and the policy's rules with how often each ruled.
 *
 * @import { Granted, RulesInForce } from '../../model/grants.ts'
 */
import { byId, h, replace } from './dom.js'
import { clock, counted, duration, ruleLine, visible } from './text.js'

/** @type {Readonly<Record<Granted['scope'], string>>} */
const SCOPES = { once: 'once', uses: 'some uses', ttl: 'for a time', session: 'until it stops', always: 'in the policy' }

/**
 * @param {readonly Granted[]} grants
 * @param {number} now
 * @param {(id: string) => void} undo
 */
export function renderGrants(grants, now, undo) {
  replace(byId('grants'), grants.length === 0
    ? h('div', { class: 'alone' }, h('h2', {}, 'No grant is open'), h('p', {}, 'What you approve is listed here as long as it lasts, and can be taken back.'))
    : table('Grants, the newest first', ['What it covers', 'Scope', 'By', 'Used', 'Ends', ''], grants.map(grant => [
      h('span', {}, h('b', {}, ruleLine(grant.rule)), h('details', {}, h('summary', {}, 'as a rule'), h('code', { class: 'json' }, visible(JSON.stringify(grant.rule), 2000)))),
      SCOPES[grant.scope],
      `${visible(grant.by ?? 'somebody', 60)}, ${visible(grant.door, 40)}, ${clock(grant.createdAt)}`,
      `${grant.uses}${grant.maxUses === null ? '' : ` of ${grant.maxUses}`}${grant.live === 0 ? '' : `, ${counted(grant.live, 'connection')} open`}`,
      grant.expiresAt === null ? '' : `in ${duration(Date.parse(grant.expiresAt) - now)}`,
      h('button', { type: 'button', class: 'danger', data: { focus: grant.id }, 'aria-label': `Undo ${ruleLine(grant.rule)}`, on: { click: () => undo(grant.id) } }, 'Undo'),
    ])))
}

/** @param {RulesInForce} inForce */
export function renderRules({ rules, unmatched, generation }) {
  const most = Math.max(1, unmatched.hits, ...rules.map(({ hits }) => hits))
  const hits = (/** @type {number} */ count) => h('span', { class: 'hits' }, h('meter', { min: 0, max: most, value: count, 'aria-hidden': 'true' }), ` ${count}`)
  replace(byId('rules'),
    h('p', { class: 'hint above' }, `Generation ${generation}; hits are requests and streams since the start.`),
    table('Rules in force', ['Rule', 'Action', 'What it covers', 'Hits', 'Last'], [
      ...rules.map(({ rule, hits: count, lastHit }) => [
        h('b', {}, visible(rule.id, 80)),
        pill(rule.action ?? 'allow'),
        h('span', {}, ruleLine({ ...rule }), rule.note !== undefined && h('span', { class: 'quiet-text' }, ` — ${visible(rule.note)}`)),
        hits(count),
        clock(lastHit),
      ]),
      [h('i', {}, 'no rule'), pill(unmatched.action), 'whatever none of them covers', hits(unmatched.hits), clock(unmatched.lastHit)],
    ]))
}

/** @param {string} action */
export function pill(action) {
  return h('span', { class: `pill ${action}` }, action)
}

/**
 * @param {string} caption
 * @param {readonly string[]} columns
 * @param {readonly (readonly (Node | string | number)[])[]} rows
 */
export function table(caption, columns, rows) {
  return h('div', { class: 'scroll sheet' }, h('table', {},
    h('caption', { class: 'hidden' }, caption),
    h('thead', {}, h('tr', {}, columns.map(name => h('th', { scope: 'col' }, name === '' ? h('span', { class: 'hidden' }, 'Undo') : name)))),
    h('tbody', {}, rows.map(cells => h('tr', {}, cells.map((cell, index) => h('td', { data: { column: columns[index] ?? '' } }, cell)))))))
}
