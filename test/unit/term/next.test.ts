/** The cursor: what it is on, whatever comes and goes; and when a key counts. */
import t from 'tap'
import { ONE, TWO, askAlike, openScreen } from '../../helpers/term-screen.ts'
import { rowAt, rowsOf } from '../../../lib/term/questions.ts'
import type { Screen } from '../../helpers/term-screen.ts'

const under = ({ state }: Screen): string | undefined => rowAt(state)?.members[0].held.id
const order = ({ state }: Screen): string[] => rowsOf(state).map(({ members: [{ held }] }) => held.id)
const said = ({ state }: Screen): string => state.message?.text ?? ''
/** The line of the screen that the cursor is on. */
const cursorLine = (screen: Screen): number => screen.text().split('\n').findIndex(line => line.startsWith('▸ '))

t.test('the first question is under the cursor, and a flood after it changes neither that nor its line', async t => {
  const screen = openScreen()
  screen.ask({ id: 'first' })
  screen.look()
  const line = cursorLine(screen)
  for (let n = 0; n < 500; n++) screen.ask({ id: `q${n}`, host: `h${n}.test` })
  t.equal(under(screen), 'first')
  t.equal(cursorLine(screen), line)
  screen.press('a')
  t.match(screen.effects, [{ kind: 'answer', path: ONE, questions: [{ id: 'first', shown: 'first.1' }] }], 'and it can be answered at once')
})

t.test('in the middle of a flood the cursor stays on its line while others above it leave', async t => {
  const screen = openScreen()
  for (let n = 0; n < 40; n++) screen.ask({ id: `q${n}` })
  for (let n = 0; n < 20; n++) screen.press('<right>')
  t.equal(under(screen), 'q20')
  const line = cursorLine(screen)
  for (const gone of ['q0', 'q3', 'q19']) screen.settle(gone)
  t.equal(under(screen), 'q20')
  t.equal(cursorLine(screen), line)
})

t.test('no key answers before the question has been on the screen for 300 ms', async t => {
  for (const key of ['a', 'o', 't', 'e', 'r', 'A', 'R']) {
    const screen = openScreen()
    screen.ask()
    screen.wait(5_000)
    screen.press(key)
    t.strictSame(screen.effects, [], `${key}: it was never drawn`)
    t.match(said(screen), 'too early')
    screen.send({ kind: 'drawn', question: screen.state.cursor.question, group: screen.state.cursor.group })
    screen.wait(299)
    screen.press(key)
    t.strictSame([screen.effects, screen.state.prompt], [[], null], `${key}: after 299 ms`)
    screen.wait(1)
    screen.press(key)
    t.ok(screen.effects.length === 1 || screen.state.prompt !== null, `${key}: after 300 ms`)
  }
})

t.test('what takes the place of a question that was answered elsewhere is not answered by the key that was meant for it', async t => {
  const screen = openScreen()
  screen.ask({ id: 'one' })
  screen.ask({ id: 'two' })
  screen.look()
  screen.settle('one')
  screen.press('a')
  t.equal(under(screen), 'two')
  t.strictSame(screen.effects, [])
  t.match(said(screen), 'too early')
  screen.look()
  screen.press('a')
  t.match(screen.effects, [{ questions: [{ id: 'two' }] }])
})

t.test('a drawing of something else does not count', async t => {
  const screen = openScreen()
  screen.ask({ id: 'one' })
  const drawn = screen.state.cursor
  screen.ask({ id: 'two' })
  screen.settle('one')
  screen.send({ kind: 'drawn', question: drawn.question, group: drawn.group })
  screen.wait(10_000)
  screen.press('a')
  t.strictSame(screen.effects, [])
})

t.test('a question that is told anew has to be looked at anew; one that more wait for has not', async t => {
  const screen = openScreen()
  screen.ask({ id: 'one' })
  screen.look()
  screen.press('2')
  screen.tell({ event: 'changed', held: { ...rowAt(screen.state)!.members[0].held, waiting: 9 } })
  t.equal(screen.state.cursor.choice, 1, 'the rule stays chosen')
  t.not(screen.state.cursor.drawnAt, null)
  screen.tell({ event: 'changed', held: { ...rowAt(screen.state)!.members[0].held, shown: 'one.2' } })
  screen.press('a')
  t.strictSame(screen.effects, [])
  t.equal(screen.state.cursor.choice, 0)
  screen.look()
  screen.press('a')
  t.match(screen.effects, [{ questions: [{ id: 'one', shown: 'one.2' }] }])
})

t.test('questions that one answer would settle are one row; the oldest is shown, and the next when it leaves', async t => {
  const screen = openScreen()
  askAlike(screen, 'g', 5)
  screen.ask({ id: 'other' })
  t.strictSame(order(screen), ['g', 'other'])
  t.match(screen.text(), /×5/)
  screen.look()
  screen.settle('g')
  t.strictSame(order(screen), ['g-1', 'other'], 'the row stays where it is')
  screen.press('o')
  t.strictSame(screen.effects, [], 'but shows another question')
})

t.test('of a group whose oldest question has left, what joins it is in the same row', async t => {
  const screen = openScreen()
  askAlike(screen, 'g', 3)
  screen.settle('g')
  screen.ask({ id: 'late', group: { id: 'g-1', questions: 3, waiting: 3, suggestion: null } })
  t.equal(rowsOf(screen.state).length, 1)
})

t.test('two firewalls that use the same ids are two questions', async t => {
  const screen = openScreen({ links: [ONE, TWO] })
  screen.ask({ id: 'q' }, ONE)
  screen.ask({ id: 'q' }, TWO)
  t.equal(rowsOf(screen.state).length, 2)
  screen.look()
  screen.press('<right>')
  screen.look()
  screen.press('o')
  t.match(screen.effects, [{ path: TWO }])
})

t.test('a firewall that stops takes its questions with it, and leaves the others alone', async t => {
  const screen = openScreen({ links: [ONE, TWO] })
  screen.ask({ id: 'a' }, ONE)
  screen.ask({ id: 'b' }, TWO)
  screen.send({ kind: 'closed', path: ONE, problem: 'it has stopped' })
  t.strictSame(order(screen), ['b'])
  t.match(screen.text(), 'one (gone)')
  screen.send({ kind: 'removed', path: ONE })
  t.strictSame(screen.state.links.map(({ path }) => path), [TWO])
  screen.send({ kind: 'opened', path: ONE, status: screen.state.links[0]!.status! })
  t.strictSame(screen.state.links.map(({ path }) => path), [TWO], 'a late word of it brings it not back')
})

t.test('a filter shows what it names; the cursor goes to what is shown, and has to look', async t => {
  const screen = openScreen()
  screen.ask({ id: 'one', display: { ...rowDisplay(), line: 'GET https one.test' } })
  screen.ask({ id: 'two', display: { ...rowDisplay(), line: 'GET https two.test' } })
  screen.look()
  screen.press('/')
  screen.type('TWO')
  t.equal(under(screen), 'two')
  screen.press('<enter>', 'a')
  t.strictSame(screen.effects, [], 'too early')
  t.match(screen.text(), '/TWO')
  screen.press('<escape>')
  t.strictSame(order(screen), ['one', 'two'])
  t.equal(under(screen), 'two')
})

t.test('left and right, j and k, and the keys for pages lead through the questions, and not beyond', async t => {
  const screen = openScreen()
  for (let n = 0; n < 30; n++) screen.ask({ id: `q${n}` })
  const path = [['<right>', 'q1'], ['j', 'q2'], ['<left>', 'q1'], ['k', 'q0'], ['k', 'q0'], ['<end>', 'q29'], ['j', 'q29'], ['<home>', 'q0'], ['<page-down>', 'q4'], ['<page-up>', 'q0']] as const
  for (const [key, id] of path) {
    screen.press(key)
    t.equal(under(screen), id, key)
    t.ok(cursorLine(screen) > 0, 'it is on the screen')
  }
})

t.test('whatever is pasted answers nothing', async t => {
  const screen = openScreen()
  screen.ask()
  screen.look()
  for (const text of ['aa', 'ar', 'a\n', '1a', '']) screen.press(text)
  t.strictSame([screen.effects, screen.state.prompt], [[], null])
})

t.test('any key closes the help, and answers nothing', async t => {
  for (const key of ['a', '?', '<enter>', '<escape>', 'x']) {
    const screen = openScreen()
    screen.ask()
    screen.look()
    screen.press('?')
    t.match(screen.text(), 'approve the chosen rule')
    screen.press(key)
    t.notOk(screen.state.isHelpOpen)
    t.strictSame(screen.effects, [], key)
  }
})

t.test('q and Ctrl-C quit', async t => {
  for (const key of ['q', '<interrupt>']) {
    const screen = openScreen()
    screen.press(key)
    t.strictSame(screen.effects, [{ kind: 'quit' }])
  }
})

function rowDisplay() {
  return { host: 'api.example.test:443', unicode: null, method: 'GET', path: '/', client: 'c', userAgent: '', asker: '', body: '', line: '' }
}
