import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import t from 'tap'
import { terminalDoor } from '../../../lib/approve/terminal.ts'
import type { Answer, Held } from '../../../lib/model/hold.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { sampleHeld, sampleTask } from '../../helpers/sample-held.ts'

type Tap = { teardown(call: () => unknown): unknown }

const turn = async (): Promise<void> => {
  for (let round = 0; round < 3; round++) await new Promise(setImmediate)
}

const terminal = (t: Tap) => {
  const raw: boolean[] = []
  const input = Object.assign(new PassThrough(), { setRawMode: (isRaw: boolean) => raw.push(isRaw) })
  const output = new PassThrough()
  let text = ''
  output.setEncoding('utf8').on('data', (part: string) => { text += part })
  const clock = fakeClock()
  const door = terminalDoor({ input, output, clock })
  t.teardown(() => door.close())
  const outcomes: Record<string, Answer | Error> = {}
  return {
    door, input, output, clock, raw, outcomes,
    async ask(id: string, signal = new AbortController().signal, changes: Partial<Held> = {}) {
      const held = sampleHeld({ id, display: { ...sampleHeld().display, line: `question ${id}` }, ...changes })
      door.ask(held, { signal }).then(answer => { outcomes[id] = answer }, error => { outcomes[id] = error })
      await turn()
    },
    async wait(ms: number) {
      clock.advance(ms)
      await turn()
    },
    async type(keys: string) {
      input.write(keys)
      await turn()
    },
    /** What was written since this was last asked. */
    shown() {
      const part = text
      text = ''
      return part
    },
  }
}

const ONCE = { verdict: 'approve', grant: 'once' }

t.test('each key gives its answer', async t => {
  // [key, answer, what is said]
  const rows: [string, Answer, RegExp][] = [
    ['a', { verdict: 'approve', grant: 'once' }, /approve it, once/],
    ['1', { verdict: 'approve', grant: { rule: sampleHeld().suggestions[0]!.rule } }, /approve rule 1, until the firewall stops/],
    ['2', { verdict: 'approve', grant: { rule: sampleHeld().suggestions[1]!.rule } }, /approve rule 2/],
    ['r', { verdict: 'deny' }, /reject it/],
    ['s', { verdict: 'pass' }, /skip it/],
  ]
  for (const [key, answer, says] of rows) {
    const { ask, wait, type, shown, outcomes } = terminal(t)
    await ask('q1')
    t.match(shown(), 'question q1')
    await wait(300)
    await type(key)
    t.strictSame(outcomes['q1'], answer, key)
    t.match(shown(), says)
  }
})

/** As the firewall tells it when the n-th question of a group comes. */
const groupOf = (n: number): Held['group'] => ({
  id: 'q1', questions: n, waiting: n,
  suggestion: n === 1 ? null : { shape: 'group', says: `all ${n}`, rule: { host: 'api.example.test', method: 'GET', path: Array.from({ length: n }, (_, at) => `/${at}`) } },
})

t.test('more like it are shown with it, and one key answers for all', async t => {
  const { ask, wait, type, shown, outcomes } = terminal(t)
  const signal = new AbortController().signal
  await ask('q1', signal, { group: groupOf(1) })
  t.notMatch(shown(), /like it/)
  await wait(300)
  await type('g')
  t.strictSame(outcomes, {}, 'there is no group yet')
  await ask('q2', signal, { group: groupOf(2) })
  await ask('q3', signal, { group: groupOf(3) })
  await ask('q4')
  t.equal(shown(), '', 'a flood does not move what is being read')
  await wait(2_000)
  t.match(shown(), /and 1 more after it[^]*question q1[^]*like it {2}2 more, 3 requests in all[^]*g {2}all 3/, 'but is told of, once')
  await type('g')
  t.strictSame(outcomes, {}, 'a rule that was not on the screen for a moment is not approved')
  await wait(300)
  await ask('q5', signal, { group: groupOf(4) })
  await type('g')
  t.strictSame(outcomes, { q1: { verdict: 'approve', grant: { rule: groupOf(3).suggestion!.rule } } }, 'the rule that was shown, not the newer one')
})

t.test('a key that offers nothing answers nothing', async t => {
  const { ask, wait, type, outcomes, shown } = terminal(t)
  await ask('q1')
  await wait(300)
  shown()
  for (const key of ['3', '5', '0', '\r', ' ', 'y', 'A', 'aa', '\x1b[1~']) await type(key)
  t.strictSame(outcomes, {})
  t.equal(shown(), '')
  await wait(50)
  await type('?')
  t.match(shown(), /approve the rule shown beside the number/)
  t.strictSame(outcomes, {}, 'help leaves the question open')
  await type('a')
  t.strictSame(outcomes, { q1: ONCE })
})

t.test('what was typed before a question was on the screen for 300 ms is not for it', async t => {
  const { ask, wait, type, outcomes, input } = terminal(t)
  input.write('a')
  await ask('q1')
  t.strictSame(outcomes, {}, 'typed before it came')
  await type('a')
  await wait(299)
  await type('a')
  t.strictSame(outcomes, {}, 'typed too soon')
  await wait(1)
  t.strictSame(outcomes, {})
  await type('r')
  t.strictSame(outcomes, { q1: { verdict: 'deny' } })
})

t.test('what was typed while the process was busy is not for a question it had no time to show', async t => {
  const { ask, clock, input, outcomes } = terminal(t)
  await ask('q1')
  // Time is over in the very turn in which the typed key waits to be read.
  clock.advance(300)
  input.write('a')
  await turn()
  t.strictSame(outcomes, {})
})

t.test('one question at a time, in the order in which they came', async t => {
  const { ask, wait, type, shown, outcomes } = terminal(t)
  await ask('q1')
  await ask('q2')
  await ask('q3')
  t.match(shown(), /question q1/)
  await wait(300)
  await type('a')
  await type('a')
  t.strictSame(outcomes, { q1: ONCE }, 'the second key was not meant for the second question')
  const second = shown()
  t.match(second, /and 1 more after it[^]*question q2/)
  t.notMatch(second, 'question q3')
  await wait(300)
  await type('r')
  await wait(300)
  await type('s')
  t.strictSame(outcomes, { q1: ONCE, q2: { verdict: 'deny' }, q3: { verdict: 'pass' } })
})

t.test('a question that is settled elsewhere goes, and says so', async t => {
  const { ask, wait, type, shown, outcomes, raw } = terminal(t)
  const [first, second] = [new AbortController(), new AbortController()]
  await ask('q1', first.signal)
  await ask('q2', second.signal)
  await ask('q3')
  await wait(300)
  shown()
  second.abort(new Error('settled'))
  await turn()
  t.equal(shown(), '', 'one that was not shown yet goes in silence')
  first.abort(new Error('settled'))
  await turn()
  t.match(shown(), /settled elsewhere[^]*question q3/)
  await type('a')
  t.match(outcomes, { q1: new Error('settled'), q2: new Error('settled') })
  t.notOk('q3' in outcomes, 'the key may have been meant for the one that went')
  await wait(300)
  await type('a')
  t.strictSame(outcomes['q3'], ONCE)
  t.strictSame(raw, [true, false])
  await ask('q4', AbortSignal.abort(new Error('before')))
  t.match(outcomes['q4'], new Error('before'))
  t.equal(shown().includes('q4'), false)
})

t.test('the terminal is raw and read only while something is asked', async t => {
  const before = process.listenerCount('exit')
  const { ask, wait, type, raw, input, outcomes } = terminal(t)
  await turn()
  t.strictSame(raw, [])
  t.ok(input.isPaused())
  await ask('q1')
  t.strictSame(raw, [true])
  t.notOk(input.isPaused())
  t.equal(process.listenerCount('exit'), before + 1, 'an exit of the process puts it back')
  await wait(300)
  await type('a')
  t.strictSame(raw, [true, false])
  t.ok(input.isPaused())
  t.equal(process.listenerCount('exit'), before)
  await ask('q2')
  await wait(300)
  await type('a')
  t.strictSame(raw, [true, false, true, false])
  t.strictSame(outcomes, { q1: ONCE, q2: ONCE })
})

t.test('an exit of the process puts the terminal back', async t => {
  const { ask, raw } = terminal(t)
  await ask('q1')
  const listener = process.listeners('exit').at(-1) as () => void
  listener()
  t.strictSame(raw, [true, false])
})

t.test('Ctrl-C is for the program: raw mode ends, and SIGINT comes', async t => {
  const { ask, type, raw, outcomes } = terminal(t)
  await ask('q1')
  const signalled = once(process, 'SIGINT')
  await type('\x03')
  await signalled
  t.strictSame(raw, [true, false])
  t.strictSame(outcomes, {}, 'and it answers nothing')
})

t.test('a terminal that goes closes the door for what is open and what comes', async t => {
  for (const [shows, end] of [
    ['it is closed', ({ door }) => door.close()],
    ['its input ends', ({ input }) => input.end()],
    ['its input fails', ({ input }) => input.emit('error', new Error('EIO'))],
    ['its output fails', ({ output }) => output.emit('error', new Error('EPIPE'))],
  ] satisfies [string, (made: ReturnType<typeof terminal>) => unknown][]) {
    const made = terminal(t)
    await made.ask('q1')
    await made.ask('q2')
    end(made)
    await turn()
    await made.ask('q3')
    for (const id of ['q1', 'q2', 'q3']) t.match(made.outcomes[id], { message: /^the terminal (?:has gone|was closed)/ }, `${shows}: ${id}`)
    t.strictSame(made.raw, [true, false], shows)
    made.door.close()
    t.doesNotThrow(() => made.output.emit('error', new Error('late')), 'an error that comes late harms nobody')
  }
})

t.test('a terminal that takes no raw mode closes the door', async t => {
  const { ask, input, outcomes } = terminal(t)
  input.setRawMode = () => { throw new Error('setRawMode EIO') }
  await ask('q1')
  t.match(outcomes['q1'], { message: 'the terminal has gone' })
})

t.test('a task is shown with every rule in full; one key approves all of it, and only what was seen', async t => {
  const { door, wait, type, shown } = terminal(t)
  const asked = door.ask(sampleTask({ display: { client: 'x', reason: 'r', line: 'x asks beforehand' } }), { signal: new AbortController().signal })
  await turn()
  const text = shown()
  t.match(text, /An agent asks for access beforehand:\n {2}\| x asks beforehand\n {2}\* GET https api\.example\.test "\/v1\/\*\*"\n {5}\| \{"host":"api\.example\.test"/)
  t.match(text, /risk.*answers beforehand/)
  await wait(300)
  await type('1')
  await type('g')
  await type('a')
  t.strictSame(await asked, { verdict: 'approve', grant: { rules: 'asked' } })
  t.match(shown(), /You said: approve what it asks for/)

  const rules = Array.from({ length: 20 }, (_, n) => ({ rule: { host: `${'h'.repeat(200)}${n}.test` }, says: 'many', answers: [] }))
  const many = door.ask(sampleTask({ rules }), { signal: new AbortController().signal })
  await turn()
  t.match(shown(), /more than fits here[^]*sallyport approve t1 approves them/)
  await wait(300)
  await type('a')
  await type('r')
  t.strictSame(await many, { verdict: 'deny' }, 'the key does not approve what is not on the screen')
})
