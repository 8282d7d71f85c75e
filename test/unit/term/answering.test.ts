/** What each key sends, and to which questions. */
import t from 'tap'
import { ONE, askAlike, openScreen } from '../../helpers/term-screen.ts'
import type { Screen } from '../../helpers/term-screen.ts'

const EXACT = { host: 'api.example.test', method: 'POST', path: '/v1/items' }
const HOST = { host: 'api.example.test', access: 'full' }
const GROUP = { host: 'api.example.test', path: '/items/*' }

function looked(options = {}): Screen {
  const screen = openScreen(options)
  screen.ask()
  screen.look()
  return screen
}

const sent = (screen: Screen, questions: readonly string[], answer: object) => [{ kind: 'answer', path: ONE, questions: questions.map(id => ({ id, shown: `${id}.1` })), answer }]

t.test('a approves the rule that is chosen, until the firewall stops, bound to what was shown', async t => {
  const screen = looked()
  screen.press('a')
  t.strictSame(screen.effects, sent(screen, ['q1'], { verdict: 'approve', grant: { rule: EXACT }, shown: 'q1.1', by: 'ann' }))
})

t.test('who answers is left out where nobody said who', async t => {
  const screen = looked({ by: null })
  screen.press('o')
  t.strictSame(screen.effects, sent(screen, ['q1'], { verdict: 'approve', grant: 'once', shown: 'q1.1' }))
})

t.test('arrows and digits choose the rule, and not beyond what is offered', async t => {
  const choices = [['2', 1], ['1', 0], ['5', 0], ['<down>', 1], ['<down>', 1], ['<up>', 0], ['<up>', 0]] as const
  const screen = looked()
  for (const [key, choice] of choices) {
    screen.press(key)
    t.equal(screen.state.cursor.choice, choice, key)
  }
  screen.press('2', 'a')
  t.match(screen.effects, [{ answer: { grant: { rule: HOST } } }])
})

t.test('t asks for how long, and approves for that long', async t => {
  const rows = [['', { ttlMs: 3_600_000 }], ['10m', { ttlMs: 600_000 }], ['2 d', { ttlMs: 172_800_000 }], ['always', { persist: true }]] as const
  for (const [text, terms] of rows) {
    const screen = looked()
    screen.press('t')
    if (text !== '') screen.press('<erase>')
    screen.type(text)
    screen.press('<enter>')
    t.strictSame(screen.effects, sent(screen, ['q1'], { verdict: 'approve', grant: { rule: EXACT, ...terms }, shown: 'q1.1', by: 'ann' }), text)
  }
})

t.test('what is no time is said, and nothing is approved', async t => {
  for (const text of ['', 'x', '5', '0s', '-1h', 'never', '1e9h']) {
    const screen = looked()
    screen.press('t', '<erase>')
    screen.type(text)
    screen.press('<enter>')
    t.strictSame(screen.effects, [], text)
    t.match(screen.state.prompt?.problem, 'Write a number with a unit')
  }
})

t.test('r rejects with the reason that is typed, or with none; Esc goes back', async t => {
  const screen = looked()
  screen.press('r', '<escape>')
  t.strictSame([screen.effects, screen.state.prompt], [[], null])
  screen.press('r')
  screen.type('use the mirror')
  screen.press('<enter>')
  t.strictSame(screen.effects, sent(screen, ['q1'], { verdict: 'deny', reason: 'use the mirror', by: 'ann' }))
  const other = looked()
  other.press('r', '<enter>')
  t.strictSame(other.effects, sent(other, ['q1'], { verdict: 'deny', by: 'ann' }))
})

t.test('A approves the rule of the group and R rejects the group, each as it was shown', async t => {
  const all = ['q1', 'q1-1', 'q1-2']
  const screen = openScreen()
  askAlike(screen, 'q1', 3)
  screen.look()
  screen.press('A')
  t.strictSame(screen.effects, sent(screen, all, { verdict: 'approve', grant: { rule: GROUP }, by: 'ann' }))
  const other = openScreen()
  askAlike(other, 'q1', 3)
  other.look()
  other.press('R')
  other.type('no')
  other.press('<enter>')
  t.strictSame(other.effects, sent(other, all, { verdict: 'deny', reason: 'no', by: 'ann' }))
})

t.test('the rule of a group that has just become another is not approved, its oldest question can be', async t => {
  const screen = openScreen()
  askAlike(screen, 'q1', 3)
  screen.look()
  screen.ask({ id: 'late', group: { id: 'q1', questions: 4, waiting: 4, suggestion: { shape: 'group', says: 'all 4', rule: { host: 'api.example.test' } } } })
  screen.press('A')
  t.strictSame(screen.effects, [])
  t.match(screen.state.message?.text, 'too early')
  screen.press('<down>', '<down>', 'a')
  t.strictSame(screen.effects, [], 'chosen by arrow it is the same rule')
  screen.press('1', 'a')
  t.match(screen.effects, [{ questions: [{ id: 'q1' }], answer: { grant: { rule: EXACT } } }])
})

t.test('a group that no one rule covers is not approved as a whole; of one question A is a', async t => {
  const screen = openScreen()
  for (const id of ['q1', 'q2']) screen.ask({ id, group: { id: 'q1', questions: 2, waiting: 2, suggestion: null } })
  screen.look()
  screen.press('A')
  t.strictSame(screen.effects, [])
  t.match(screen.state.message?.text, 'No one rule covers')
  const single = looked()
  single.press('A')
  t.match(single.effects, [{ questions: [{ id: 'q1' }], answer: { grant: { rule: EXACT } } }])
})

t.test('of a thousand that are alike as many are named as one answer may name', async t => {
  const screen = openScreen()
  askAlike(screen, 'q1', 1_000)
  screen.look()
  screen.press('R', '<enter>')
  const [effect] = screen.effects
  t.ok(effect?.kind === 'answer' && JSON.stringify(effect).length < 60_000)
})

t.test('e edits the chosen rule; the edited one is shown, and approved by a once it was seen', async t => {
  const screen = looked()
  screen.press('2', 'e')
  t.equal(screen.state.prompt?.before, JSON.stringify(HOST))
  screen.press('<erase>')
  screen.type('{"host":"api.example.test","path":"/v1/**"}')
  screen.press('<enter>')
  t.strictSame(screen.effects, [], 'nothing is sent yet')
  t.match(screen.text(), /▸ e {2}your own rule\n {6}\{"host":"api.example.test","path":"\/v1\/\*\*"\}/)
  screen.press('a')
  t.strictSame(screen.effects, [], 'it has to be looked at')
  screen.look()
  screen.press('a')
  t.match(screen.effects, [{ questions: [{ id: 'q1' }], answer: { grant: { rule: { path: '/v1/**' } }, shown: 'q1.1' } }])
})

t.test('what is no rule is said while it is edited', async t => {
  for (const [text, problem] of [['{', 'not JSON'], ['[]', 'an object'], ['null', 'an object'], ['"x"', 'an object']] as const) {
    const screen = looked()
    screen.press('e', '<erase>')
    screen.type(text)
    screen.press('<enter>')
    t.match(screen.state.prompt?.problem, problem)
  }
})

t.test('an edited rule is gone with the question it was for', async t => {
  const screen = openScreen()
  screen.ask({ id: 'one' })
  screen.ask({ id: 'two' })
  screen.look()
  screen.press('e', '<enter>')
  screen.settle('one')
  t.equal(screen.state.cursor.edited, null)
})

t.test('what is being typed is about what was shown, whatever comes; when that is settled, typing ends', async t => {
  const screen = openScreen()
  screen.ask({ id: 'one' })
  screen.look()
  screen.press('t')
  screen.ask({ id: 'two' })
  screen.settle('two')
  t.match(screen.state.prompt, { kind: 'time' })
  screen.ask({ id: 'three' })
  screen.settle('one')
  t.equal(screen.state.prompt, null)
  t.match(screen.state.message?.text, 'No longer asked. POST api.example.test:443: approved by bob.')
  screen.press('<enter>')
  t.strictSame(screen.effects, [])
})

t.test('a second answer waits for the reply to the first; after a refusal the question can be answered again', async t => {
  const screen = looked()
  screen.press('a', 'a', 'o')
  t.equal(screen.effects.length, 1)
  t.match(screen.state.message?.text, 'on its way')
  screen.send({ kind: 'replied', path: ONE, questions: ['q1'], answer: { verdict: 'approve', grant: 'once' }, reply: { kind: 'failed', problem: 'the rule covers too much' } })
  t.match(screen.state.message?.text, 'the rule covers too much')
  screen.press('o')
  t.equal(screen.effects.length, 2)
})

t.test('a window too small to show the rule approves nothing, and can reject', async t => {
  const rule = { host: 'api.example.test', path: `/${'x'.repeat(900)}` }
  const screen = openScreen({ columns: 40, rows: 16 })
  screen.ask({ suggestions: [{ shape: 'exact', says: 'this', rule }] })
  screen.look()
  for (const key of ['a', 'o', 't', 'e']) {
    screen.press(key)
    t.strictSame([screen.effects, screen.state.prompt], [[], null], key)
    t.match(screen.state.message?.text, 'too small')
  }
  screen.press('r', '<enter>')
  t.match(screen.effects, [{ answer: { verdict: 'deny' } }])
  screen.send({ kind: 'resized', columns: 200, rows: 60 })
})

t.test('a rule too long for any screen is not offered', async t => {
  const screen = openScreen()
  screen.ask({ suggestions: [{ shape: 'exact', says: 'this', rule: { host: 'a.test', path: `/${'x'.repeat(2_000)}` } }] })
  screen.look()
  screen.press('a')
  t.strictSame(screen.effects, [])
  t.match(screen.state.message?.text, 'No rule is offered')
})

t.test('u takes back what this terminal gave, the latest first, and says what became of it', async t => {
  const screen = looked()
  const approved = (grant: string) => screen.send({ kind: 'replied', path: ONE, questions: ['q1'], answer: { verdict: 'approve', grant: 'once' }, reply: { kind: 'accepted', released: 1, grants: [grant], persisted: false, left: [] } })
  screen.press('u')
  t.match(screen.state.message?.text, 'has given nothing')
  approved('g1')
  approved('g2')
  t.match(screen.state.message?.text, 'Approved once: 1 request goes on.  u takes it back.')
  screen.press('u')
  t.strictSame(screen.effects, [{ kind: 'undo', path: ONE, grant: 'g2', by: 'ann' }])
  screen.send({ kind: 'taken-back', path: ONE, grant: 'g2', reply: { kind: 'undone', closed: 2 } })
  t.match(screen.state.message?.text, 'Taken back, and 2 live connections closed.')
  screen.tell({ event: 'undone', id: 'g1', closed: 0, by: 'bob', door: 'console' })
  t.match(screen.state.message?.text, 'g1 was taken back by bob')
  screen.press('u')
  t.equal(screen.effects.length, 1, 'what others took back is not taken back again')
})
