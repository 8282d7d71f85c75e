/** The screen: all of it in its size, the facts that decide never cut, and nothing of the wire raw. */
import t from 'tap'
import { lineWidth } from '../../../lib/term/lines.ts'
import { paint } from '../../../lib/term/paint.ts'
import { PANES } from '../../../lib/term/state.ts'
import type { AuditRecord } from '../../../lib/model/audit.ts'
import { sampleHeld, sampleTask } from '../../helpers/sample-held.ts'
import { ONE, TWO, askAlike, openScreen } from '../../helpers/term-screen.ts'
import type { Screen } from '../../helpers/term-screen.ts'

const record = (changes: Partial<AuditRecord> = {}): AuditRecord => ({
  event: 'closed', time: '2030-01-01T00:00:01.000Z', flow: 'f1', client: '127.0.0.1', scheme: 'https', host: 'api.example.test', port: 443, method: 'GET', path: '/v1',
  action: 'allow', rule: 'reads', reason: null, code: null, wouldHold: false, policy: { name: null, hash: 'h', generation: 1 },
  held: null, address: '192.0.2.1', status: 200, bytesUp: 100, bytesDown: 2_345_000, durationMs: 12, error: null, details: null, ...changes,
})

const grant = { id: 'g1', question: 'q1', scope: 'ttl', rule: { host: 'api.example.test', access: 'full' }, answers: null, by: 'ann', door: 'control', createdAt: '2030-01-01T00:00:00.000Z', expiresAt: '2030-01-01T00:10:00.000Z', maxUses: null, uses: 3, lastUsed: null, live: 2, generation: 1, budget: null } as const

/** Something in every pane. */
function fill(screen: Screen, words = 'x'): void {
  screen.ask({ host: words, note: words, answers: words, nearest: { rule: words, why: words }, risks: [{ code: 'body', says: words }], contentType: words, suggestions: [{ shape: 'exact', says: words, rule: { host: words }, also: { requests: 1, denied: 1, says: words } }], display: { ...sampleHeld().display, host: `${'sub.'.repeat(20)}example.test:443` } })
  askAlike(screen, 'g', 30)
  screen.send({ kind: 'grants', path: ONE, grants: [{ ...grant, rule: { host: words }, by: words }] })
  screen.send({ kind: 'rules', path: ONE, rules: { rules: [{ rule: { id: words, host: words, note: words }, hits: 3, lastHit: '2030-01-01T00:00:00.000Z', budget: null }], unmatched: { action: 'hold', hits: 0, lastHit: null }, generation: 1 } })
  const records = [record({ host: words, path: words, rule: words, reason: words }), record({ event: 'notice', flow: null, reason: words, details: { [words]: words } }), record({ flow: 'f2', event: 'open', action: 'hold', status: null })]
  screen.tell({ event: 'flows', records, skipped: 4 })
  screen.send({ kind: 'searched', path: ONE, records })
}

t.test('every pane, prompt and message fits every size, line by line', async t => {
  for (const [columns, rows] of [[1, 1], [40, 16], [60, 20], [80, 24], [131, 30], [132, 24], [220, 70]] as const) {
    const screen = openScreen({ columns, rows, links: [ONE, TWO] })
    const check = (what: string): void => {
      const lines = paint(screen.state)
      t.equal(lines.length, Math.max(rows - 1, 1), `${what} at ${columns}×${rows}: so many lines`)
      t.strictSame(lines.filter(line => lineWidth(line) > columns), [], `${what} at ${columns}×${rows}: none too wide`)
    }
    check('nothing')
    fill(screen, '漢字 and a long text of many words '.repeat(8))
    screen.look()
    for (const pane of PANES) {
      check(pane)
      screen.press('/')
      screen.type('x'.repeat(300))
      check(`${pane}, filtered`)
      screen.press('<escape>', '<tab>')
    }
    for (const keys of [['?'], ['<escape>', 'r'], ['<escape>', 't'], ['<escape>', 'e'], ['<escape>', 'u']]) {
      screen.press(...keys)
      check(keys.join(' '))
    }
  }
})

t.test('nothing that an agent, a log or a firewall wrote reaches the screen raw', async t => {
  const evil = '\x1b[2J\x1b[1A\u202eevil\u200b\r\n\x07\u009b31m'
  const screen = openScreen({ columns: 200, rows: 60 })
  fill(screen, evil)
  screen.send({ kind: 'failed', path: null, problem: evil })
  screen.look()
  for (const pane of PANES) {
    t.notMatch(screen.text().replaceAll('\n', ''), /[\p{C}\u202e\u200b]/u, pane)
    t.match(screen.text(), 'u{1b}')
    screen.press('<tab>')
  }
  screen.press('/')
  screen.press(evil)
  t.notMatch(screen.text().replaceAll('\n', ''), /[\p{C}\u202e\u200b]/u, 'what is pasted')
})

t.test('a question shows all that an operator decides by, in 80 × 24', async t => {
  const screen = openScreen()
  screen.ask({ display: { ...sampleHeld().display, asker: 'sh (pid 7)' } })
  screen.look()
  for (const fact of [
    'POST https api.example.test:443', '“/v1/items?x=1”', '2 requests for 12 s; the client gives up in 3:48', '12 B, application/json: “{"text":"hi"}”', '127.0.0.1, which calls itself “curl/8”', 'sh (pid 7)',
    'no rule matches (research)', 'reads: the method is POST', 'first contact with example.test', '▸ 1  exactly this', '{"host":"api.example.test","method":"POST","path":"/v1/items"}',
    '  2  anything on this host', '{"host":"api.example.test","access":"full"}',
  ]) t.match(screen.text(), fact)
})

t.test('where there is little room, what is asked and the chosen rule stand there whole, the rest as far as it fits', async t => {
  const screen = openScreen({ columns: 40, rows: 16 })
  screen.ask({ suggestions: [{ shape: 'exact', says: 'this', rule: { host: 'api.example.test', method: 'POST', path: '/v1/items/with/a/long/path' } }] })
  const shown = screen.text().replaceAll(/\n {6}/g, '')
  t.match(shown, 'api.example.test:443')
  t.match(shown, '{"host":"api.example.test","method":"POST","path":"/v1/items/with/a/long/path"}')
})

t.test('a task shows its reason and every rule as it would be granted; what does not fit is gone through before it is approved', async t => {
  const screen = openScreen()
  const rules = Array.from({ length: 9 }, (_, n) => ({ rule: { host: `h${n}.test`, access: 'read-only' as const }, says: `reading h${n}.test`, answers: [] }))
  screen.tell({ event: 'asked', held: sampleTask({ rules }) })
  screen.look()
  t.match(screen.text(), /▸ task {3}9 rules “to write the digest”/)
  t.match(screen.text(), /asks beforehand for 9 rules\n “to write the digest”/)
  t.match(screen.text(), /reading h0\.test\n {6}\{"host":"h0\.test","access":"read-only"\}/)
  screen.press('a')
  t.strictSame(screen.effects, [])
  t.match(screen.state.message?.text, '↓')
  for (let n = 0; n < 9; n++) screen.press('<down>')
  t.match(screen.text(), '"h8.test"')
  screen.press('a')
  t.strictSame(screen.effects, [{ kind: 'answer', path: ONE, questions: [{ id: 't1', shown: 't1.1' }], answer: { verdict: 'approve', grant: { rules: 'asked' }, shown: 't1.1', by: 'ann' } }])
})

t.test('a task is granted for a time, with rules of the operator\'s own, or rejected; never once', async t => {
  const screen = openScreen()
  screen.tell({ event: 'asked', held: sampleTask() })
  screen.look()
  screen.press('o')
  screen.press('t', '<enter>')
  screen.press('<escape>')
  t.match(screen.effects.splice(0), [{ answer: { grant: { rules: 'asked', ttlMs: 3_600_000 } } }])
  screen.send({ kind: 'replied', path: ONE, questions: ['t1'], answer: { verdict: 'deny' }, reply: { kind: 'failed', problem: 'no' } })
  screen.press('e', '<erase>')
  screen.type('{}')
  screen.press('<enter>')
  t.match(screen.state.prompt?.problem, 'are a list')
  screen.press('<erase>')
  screen.type('[{"host":"a.test"}]')
  screen.press('<enter>')
  t.match(screen.text(), '{"host":"a.test"}')
  screen.look()
  screen.press('a')
  t.match(screen.effects.splice(0), [{ answer: { grant: { rules: [{ host: 'a.test' }] } } }])
  screen.send({ kind: 'replied', path: ONE, questions: ['t1'], answer: { verdict: 'deny' }, reply: { kind: 'failed', problem: 'no' } })
  screen.press('1')
  t.equal(screen.state.cursor.edited, null)
  screen.look()
  screen.press('r', '<enter>')
  t.match(screen.effects, [{ answer: { verdict: 'deny' } }])
})

t.test('a stream has no method and no path; a name in another script is spelled', async t => {
  const screen = openScreen()
  screen.ask({ scheme: 'tcp', method: null, target: null, path: null, contentLength: null, contentType: null, display: { ...sampleHeld().display, unicode: 'аpple.test' } })
  t.match(screen.text(), 'a tcp stream to api.example.test:443  reads “аpple.test”')
  t.match(screen.text(), 'body     none')
  t.notMatch(screen.text(), '“/v1')
})

t.test('each pane says what is in it', async t => {
  const screen = openScreen({ columns: 100 })
  fill(screen)
  screen.press('<tab>')
  t.match(screen.text(), /▸ ttl {5}x +3 +2 +9:48/, 'a grant')
  screen.send({ kind: 'grants', path: ONE, grants: [grant] })
  t.match(screen.text(), /api\.example\.test.*\n(?:.*\n)*.*approved 00:00:00 UTC by ann, at control/)
  screen.press('<tab>')
  t.match(screen.text(), /▸ allow {2}x {2}x +3 +00:00:00/, 'a rule with its hits')
  screen.press('<tab>')
  t.match(screen.text(), /the last 3 flows, 4 not shown/)
  t.match(screen.text(), /00:00:01 {2}allow +GET +x x +200 +2\.3 MB +12 ms/, 'traffic')
  screen.press('<tab>')
  t.match(screen.text(), /3 records/)
})

t.test('of a flow the latest word stands in the place of the first; what is followed stays at the top', async t => {
  const screen = openScreen()
  screen.press('<tab>', '<tab>', '<tab>')
  screen.tell({ event: 'flows', records: [record({ flow: 'a', event: 'open', path: '/a' }), record({ flow: 'b', path: '/b' })], skipped: 0 })
  screen.tell({ event: 'flows', records: [record({ flow: 'a', path: '/a', status: 404 }), record({ flow: 'c', path: '/c' })], skipped: 0 })
  t.strictSame(screen.state.traffic.map(({ value }) => [value.path, value.status]), [['/c', 200], ['/b', 200], ['/a', 404]])
  t.equal(screen.state.places.traffic.index, 0)
  screen.press('j')
  screen.tell({ event: 'flows', records: [record({ flow: 'd', path: '/d' })], skipped: 0 })
  t.match(screen.state.places.traffic, { index: 2, key: `${ONE} b` }, 'what was chosen is kept')
  for (let n = 0; n < 1_000; n++) screen.tell({ event: 'flows', records: [record({ flow: `x${n}` })], skipped: 0 })
  t.equal(screen.state.traffic.length, 500)
})

t.test('in Grants u takes back the one under the cursor, once it has been there for a moment', async t => {
  const screen = openScreen()
  screen.press('<tab>')
  screen.send({ kind: 'grants', path: ONE, grants: [{ ...grant, id: 'g2' }, grant] })
  screen.wait(299)
  screen.press('u')
  t.strictSame(screen.effects, [])
  screen.wait(1)
  screen.press('u')
  t.strictSame(screen.effects, [{ kind: 'undo', path: ONE, grant: 'g2', by: 'ann' }])
  screen.send({ kind: 'grants', path: ONE, grants: [grant] })
  screen.press('u')
  t.equal(screen.effects.length, 1, 'another has taken its place')
})

t.test('the search of the log knows host: and action:, and looks for the rest everywhere', async t => {
  const screen = openScreen()
  screen.press('<back-tab>')
  t.strictSame(screen.effects.splice(0), [{ kind: 'search', query: {} }], 'at first whatever is recent')
  screen.press('/')
  screen.type('host:a.test up load action:deny action:x')
  t.strictSame(screen.effects, [], 'others look for it, so it waits for Enter')
  screen.press('<enter>')
  t.strictSame(screen.effects.splice(0), [{ kind: 'search', query: { host: 'a.test', action: 'deny', text: 'up load' } }])
})

t.test('what a typed line takes is edited by whole characters', async t => {
  const screen = openScreen()
  const typed = (): string => `${screen.state.prompt?.before}|${screen.state.prompt?.after}`
  screen.press('/')
  screen.type('a🦊b')
  screen.press('<left>', '<left>')
  t.equal(typed(), 'a|🦊b')
  screen.press('<right>', '<backspace>', '<end>', '<backspace>')
  t.equal(typed(), 'a|')
  screen.press('<home>', 'x\ny', '<right>')
  t.equal(typed(), 'x ya|')
  screen.press('<erase>', 'x'.repeat(5_000))
  t.equal(typed(), '|', 'more than fits is not taken at all')
  screen.press('<interrupt>')
  t.equal(screen.state.prompt, null)
})

t.test('Enter that comes in one piece with what was typed before it is Enter, but never approves', async t => {
  const screen = openScreen()
  screen.ask()
  screen.look()
  screen.press('t', '\r')
  screen.press('5m\r')
  t.strictSame([screen.effects, screen.state.prompt?.kind], [[], 'time'])
  screen.press('<escape>', 'r', 'not today\r')
  t.match(screen.effects, [{ answer: { verdict: 'deny', reason: 'not today' } }])
})

t.test('what firewalls say is said', async t => {
  const screen = openScreen()
  const said = (): string => screen.state.message?.text ?? ''
  screen.tell({ event: 'notice', says: 'the log is full' })
  t.equal(said(), 'the log is full')
  screen.tell({ event: 'policy', name: 'research', generation: 4, problem: null })
  t.equal(said(), 'The policy research is now generation 4.')
  screen.tell({ event: 'policy', name: null, generation: 4, problem: 'no JSON' })
  t.equal(said(), 'The policy was not loaded, the last good one stays: no JSON')
  screen.tell({ event: 'door-failed', id: 'q1', door: 'on-hold', problem: 'exit 1' })
  t.equal(said(), 'The approval hook on-hold failed: exit 1')
  screen.wait(10_000)
  screen.send({ kind: 'tick' })
  t.equal(said(), '', 'and goes after a while')
  screen.send({ kind: 'replied', path: ONE, questions: ['a', 'b'], answer: { verdict: 'deny', reason: 'no' }, reply: { kind: 'accepted', released: 2, grants: [], persisted: false, left: [{ id: 'b', problems: ['It was asked anew.'] }] } })
  t.equal(said(), 'Rejected, “no”: 2 requests are told. 1 question stays open: It was asked anew.')
})
