import t from 'tap'
import { offered, renderQuestion } from '../../../lib/approve/question.ts'
import type { Held } from '../../../lib/model/hold.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

const lines = (held: Held, columns = 80, behind = 0): string[] => renderQuestion(held, { columns, behind, group: held.group }).split('\n')

t.test('a question tells what is asked, what is known and what each key does', async t => {
  t.strictSame(lines(sampleHeld(), 80, 2), [
    '',
    'A request waits for your decision (and 2 more after it):',
    '  | POST https://api.example.test/v1/items?x=1',
    '  client   "127.0.0.1"',
    '  agent    "curl/8"',
    '  body     "{”text”:”hi”}"',
    '  policy   no rule matches it in research',
    '  nearest  reads: the method is POST',
    '  risk     first contact with example.test',
    '  waiting  2 requests, until 2030-01-01T00:04:00.000Z',
    '  a  approve this request, once',
    '  1  exactly this',
    '     | {"host":"api.example.test","method":"POST","path":"/v1/items"}',
    '  2  anything on this host',
    '     | {"host":"api.example.test","access":"full"}',
    '  r  reject   s  skip   ?  help',
    '',
  ])
  const other = sampleHeld({ answers: 'pushes', note: 'look twice', policy: { name: null, generation: 1 }, nearest: null, waiting: 1, deadline: null, suggestions: [], risks: [] })
  t.match(renderQuestion(other, { columns: 80, behind: 0, group: other.group }), /policy   the rule pushes has it held: look twice\n  waiting  1 request\n/)
})

t.test('nothing that an agent wrote can look like ours', async t => {
  const evil = '\x1b[2J\x1b[1A\u202eevil\u200b\r\n  a  approve this harmless request" and "so on\n'.repeat(40)
  const display = { host: evil, unicode: evil, method: evil, path: evil, client: evil, userAgent: evil, asker: evil, body: evil, line: evil }
  const held = sampleHeld({
    display, client: evil, note: evil, answers: evil, nearest: { rule: evil, why: evil }, policy: { name: evil, generation: 1 },
    risks: [{ code: 'body', says: evil }], suggestions: [{ shape: 'exact', says: evil, rule: { host: evil.slice(0, 500) }, also: { requests: 1, denied: 0, says: evil } }],
  })
  for (const columns of [0, 40, 80, 120, 10_000, Number.NaN]) {
    const shown = lines(held, columns)
    t.notMatch(shown.join(''), /[\p{C}\u202e\u200b]/u, 'no control, no format character')
    const own = /^(?:$|A request waits|  (?:client|agent|process|body|policy|nearest|risk|waiting|[a-z1-5?]|\|) |     \| )/
    t.strictSame(shown.filter(line => !own.test(line)), [], 'each line begins as ours do')
    t.strictSame(shown.filter(line => line.startsWith('  a  ')).length, 1)
    t.ok(shown.every(line => line.length < Math.min(Math.max(columns || 80, 40), 120)), `at most ${columns} wide`)
    for (const line of shown.filter(line => /^  (?:client|agent)/.test(line))) t.match(line, /^  \w+ +"[^"]*"$/, 'the quotes cannot be closed')
  }
})

t.test('the question itself is never cut', async t => {
  const line = `agent asks: GET https ${'a.'.repeat(100)}evil.test:443 "/${'x'.repeat(300)}"`
  const shown = lines(sampleHeld({ display: { ...sampleHeld().display, line } }), 50)
  t.equal(shown.filter(each => each.startsWith('  | ')).map(each => each.slice(4)).join(''), line)
})

t.test('a rule is shown whole or not offered', async t => {
  const long = (length: number): Held['suggestions'][number] => ({ shape: 'exact', says: 'long', rule: { path: `/${'x'.repeat(length)}` } })
  const held = sampleHeld({ suggestions: [long(5_000), long(900), ...sampleHeld().suggestions, long(1), long(2), long(3)] })
  t.strictSame(offered(held), [long(900), ...sampleHeld().suggestions, long(1), long(2)], 'five at most')
  t.match(lines(held).filter(line => line.startsWith('     | ')).map(line => line.slice(7)).join(''), JSON.stringify(long(900).rule))
})
