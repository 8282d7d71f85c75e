/** What of the page is pure: the cursor among the questions, the keys, the numbers, the texts. */
import t from 'tap'
import { createDesk, GRACE_MS } from '../../../lib/console/page/desk.js'
import { commandOf } from '../../../lib/console/page/keys.js'
import { byDecision, byHost, createHistory, overTime } from '../../../lib/console/page/series.js'
import { countdown, duration, ruleLine, size, visible } from '../../../lib/console/page/text.js'
import type { AuditRecord } from '../../../lib/model/audit.ts'
import type { Held } from '../../../lib/model/hold.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

const held = (id: string, group: Partial<Held['group']> = {}, changes: Partial<Held> = {}): Held => sampleHeld({ id, waiting: 1, group: { id, questions: 1, waiting: 1, suggestion: null, ...group }, ...changes })
const asked = (held: Held): { readonly event: 'asked', readonly held: Held } => ({ event: 'asked', held })
const settled = (id: string): { readonly event: 'settled', readonly id: string, readonly how: 'approved', readonly by: null, readonly door: null } => ({ event: 'settled', id, how: 'approved', by: null, door: null })

t.test('a flood never moves the cursor, and nothing under it is answered before it was there for a while', async t => {
  const desk = createDesk()
  t.equal(desk.current, null)
  t.notOk(desk.mayAnswer(0))
  desk.tell(asked(held('a')), 1_000)
  t.equal(desk.current?.id, 'a')
  t.notOk(desk.mayAnswer(1_000 + GRACE_MS - 1))
  t.ok(desk.mayAnswer(1_000 + GRACE_MS))
  desk.choose(1)
  for (let n = 0; n < 500; n++) desk.tell(asked(held(`f${n}`)), 1_001 + n)
  t.equal(desk.current?.id, 'a')
  t.equal(desk.rows()[0]?.id, 'a', 'it stays where it was in the list')
  t.equal(desk.chosen, 1, 'and so does what is chosen')
  t.ok(desk.mayAnswer(1_501))
  desk.tell(settled('f3'), 1_600)
  t.equal(desk.current?.id, 'a')
  desk.tell(settled('a'), 2_000)
  t.equal(desk.current?.id, 'f0', 'the next one takes its place')
  t.equal(desk.chosen, 0)
  t.notOk(desk.mayAnswer(2_000 + GRACE_MS - 1), 'a key that was meant for the other does not hit it')
  t.ok(desk.mayAnswer(2_000 + GRACE_MS))
})

t.test('who moves the cursor sees the question first, and one that is told anew is a new one', async t => {
  const desk = createDesk()
  for (const id of ['a', 'b', 'c']) desk.tell(asked(held(id)), 0)
  desk.move(1, 1_000)
  t.equal(desk.current?.id, 'b')
  t.notOk(desk.mayAnswer(1_100))
  desk.move(-5, 2_000)
  t.equal(desk.current?.id, 'a')
  desk.move(9, 3_000)
  t.equal(desk.current?.id, 'c')
  desk.select('b', 4_000)
  desk.select('nowhere', 4_500)
  t.ok(desk.current?.id === 'b' && desk.mayAnswer(4_400))
  desk.tell({ event: 'changed', held: held('b', {}, { waiting: 2 }) }, 5_000)
  t.ok(desk.mayAnswer(5_001), 'that one more waits is no other question')
  desk.tell({ event: 'changed', held: held('b', {}, { shown: 'b.2' }) }, 6_000)
  t.notOk(desk.mayAnswer(6_100), 'under another policy it is')
  t.ok(desk.mayAnswer(6_000 + GRACE_MS))
})

t.test('a group is one row, with all who wait and the rule that was told last', async t => {
  const desk = createDesk()
  const rule = (n: number): NonNullable<Held['group']['suggestion']> => ({ shape: 'group', says: `all ${n}`, rule: { host: 'x' } })
  desk.tell(asked(held('a')), 0)
  desk.tell(asked(held('b', { id: 'a', suggestion: rule(2) })), 0)
  desk.tell(asked(held('c', { id: 'a', suggestion: rule(3) })), 0)
  desk.tell(asked(held('z')), 0)
  t.match(desk.rows(), [{ id: 'a', waiting: 3, members: [{ id: 'a' }, { id: 'b' }, { id: 'c' }], suggestion: { says: 'all 3' } }, { id: 'z', suggestion: null }])
  desk.tell(settled('a'), 100)
  t.match(desk.current, { id: 'b', members: { length: 2 } }, 'another stands for those that are left')
  t.notOk(desk.mayAnswer(100))
  desk.tell(settled('b'), 200)
  desk.tell(settled('c'), 200)
  t.equal(desk.current?.id, 'z')
  desk.tell(settled('z'), 300)
  t.equal(desk.current, null)
})

t.test('the filter hides rows, and a cursor that is hidden goes to what is seen', async t => {
  const desk = createDesk()
  desk.tell(asked(held('a', {}, { host: 'one.test' })), 0)
  desk.tell(asked(held('b', {}, { host: 'two.test' })), 0)
  desk.find(' TWO', 1_000)
  t.strictSame(desk.rows().map(({ id }) => id), ['b'])
  t.equal(desk.current?.id, 'b')
  t.notOk(desk.mayAnswer(1_000))
  desk.find('three', 2_000)
  t.equal(desk.current, null)
  t.notOk(desk.mayAnswer(9_000))
  desk.find('', 3_000)
  t.equal(desk.rows().length, 2)
})

t.test('after the stream was away only what is open stays', async t => {
  const desk = createDesk()
  for (const id of ['a', 'b', 'c']) desk.tell(asked(held(id)), 0)
  desk.select('b', 0)
  desk.begin()
  desk.tell(asked(held('b')), 4_900)
  desk.tell(asked(held('d')), 4_900)
  desk.tell(asked(held('e')), 4_900)
  desk.tell(settled('d'), 4_950)
  desk.reset([held('b'), held('d')], 5_000)
  t.strictSame(desk.rows().map(({ id }) => id), ['b', 'e'], 'whatever was told while the list was under way holds')
  t.ok(desk.current?.id === 'b' && desk.mayAnswer(5_000))
  desk.choose(7)
  t.equal(desk.chosen, 0, 'there is no such suggestion')
})

t.test('a key is a command, unless it is text, part of a shortcut, or held down', async t => {
  const press = (key: string, more: Partial<Parameters<typeof commandOf>[0]> = {}, isTyping = false): string | null =>
    commandOf({ key, repeat: false, ctrlKey: false, metaKey: false, altKey: false, ...more }, isTyping)
  t.strictSame(['a', 'A', 'o', 't', 'e', 'r', 'R', 'u', '/', '?', '3', 'ArrowUp'].map(key => press(key)),
    ['approve', 'approve-all', 'once', 'time', 'edit', 'reject', 'reject-all', 'undo', 'filter', 'help', 'choose-3', 'up'])
  t.strictSame(['x', 'toString', '6', 'Enter'].map(key => press(key)), [null, null, null, null])
  t.equal(press('a', {}, true), null)
  for (const modifier of ['ctrlKey', 'metaKey', 'altKey']) t.equal(press('a', { [modifier]: true }), null, modifier)
  t.equal(press('a', { repeat: true }), null, 'a key that is held down answers nothing')
  t.equal(press('j', { repeat: true }), 'next')
})

const record = (flow: string, minute: number, host: string | null, action: AuditRecord['action'], event: AuditRecord['event'] = 'closed'): AuditRecord =>
  ({ flow, time: new Date(minute * 60_000).toISOString(), host, action, event }) as AuditRecord

t.test('records are counted once for each flow, over time, by host and by decision', async t => {
  const history = createHistory(4)
  history.add([record('a', 0, 'x.test', 'hold', 'open'), record('b', 1, 'y.test', 'deny'), record('a', 2, 'x.test', 'allow'), { ...record('n', 0, null, null), flow: null }])
  history.add([record('b', 1, 'y.test', 'hold', 'open')])
  t.strictSame(byDecision(history.records), { allow: 1, hold: 0, deny: 1, refuse: 0, serve: 0 }, 'an open record that comes late says nothing new')
  t.strictSame(overTime(history.records, { from: 0, to: 4 * 60_000, bins: 4 }).map(({ counts }) => counts.allow + counts.deny), [0, 1, 1, 0])
  for (const flow of ['c', 'd', 'e']) history.add([record(flow, 9, 'z.test', 'allow')])
  t.equal(history.records.length, 4, 'the oldest made room')
  t.match(byHost(history.records, 1), [{ host: 'z.test', counts: { allow: 3 } }, { host: null, counts: { deny: 1 } }])
})

t.test('what came from outside cannot move, hide or turn what stands beside it', async t => {
  t.equal(visible('a\u202eb\u200bc\u0007d\u2028e\u00a0f'), 'a\\u{202e}b\\u{200b}c\\u{7}d\\u{2028}e\\u{a0}f')
  t.equal(visible('x'.repeat(50), 11), 'xxxxx…xxxxx')
  t.equal(visible(null), '')
  t.equal(ruleLine({ host: ['a.test', 'b.test'], access: 'read-only', path: '/x/*', port: 8443 }), 'read a.test or b.test:8443 /x/*')
  t.equal(ruleLine({ cidr: '10.0.0.0/8', scheme: 'tcp' }), 'anything tcp 10.0.0.0/8')
  t.strictSame([duration(-5), duration(59_000), duration(3_600_000), countdown(61_000), countdown(-1), size(null), size(2048)], ['0 s', '59 s', '1 h', '1:01', '0:00', 'unknown length', '2.0 KiB'])
})
