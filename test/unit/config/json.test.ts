import t from 'tap'
import { parseJson } from '../../../lib/config/json.ts'
import { visible } from '../../../lib/model/display.ts'

const pointersOf = (text: string): string[] => {
  const read = parseJson(text)
  return read.kind === 'invalid' ? read.problems.map(({ pointer }) => pointer) : []
}

/** `JSON.parse` is the oracle wherever no name stands twice. */
function agrees(text: string): boolean {
  const read = parseJson(text)
  try {
    const value: unknown = JSON.parse(text)
    return read.kind === 'json' && JSON.stringify(read.value) === JSON.stringify(value)
  } catch {
    return read.kind === 'invalid'
  }
}

t.test('it reads what JSON.parse reads, and nothing else', async t => {
  const texts = ['{}', '[]', ' [ ] ', '0', '-0', '01', '1.', '.5', '1e5', '1E+5', '1e', '+1', 'NaN', 'true', 'tru', 'null ', '"a', '"\\u12g4"', '"\\ud800"', '"\\x"', '"\t"', "'a'",
    '[1,]', '[,1]', '{"a":1,}', '{a:1}', '{"a" 1}', '{"a":1 "b":2}', '[1 2]', '1 2', '', ' ', '// x\n1', '{"a":{"b":[1,{"c":null}]}}', '\u00a01', '"\u2028"', '{"":0}', '[1]]', '{"a":1}}']
  for (const text of texts) t.ok(agrees(text), visible(text, 80))
})

t.test('truncated anywhere it is refused, as JSON.parse refuses it', async t => {
  const whole = '{"version": 1, "rules": [{"id": "a", "port": [443, -1.5e3], "note": "\\u00e9\\n"}, null, true]}'
  for (let end = 0; end <= whole.length; end++) t.ok(agrees(whole.slice(0, end)), `cut at ${end}`)
})

t.test('seeded mutations are read as JSON.parse reads them, or told as a repeated name', async t => {
  const seed = 20_260
  t.comment(`seed ${seed}`)
  const random = lcg(seed)
  const whole = '{"a":[1,2.5e-3,{"b":"\\"x","c":null}],"d":{"e":true,"f":"\\u0041"},"g":[[],{}]}'
  const letters = '{}[]",:\\ 0-1e.tfnu\n\u0000é'
  for (let run = 0; run < 20_000; run++) {
    let text = whole
    for (let edits = 1 + random(3); edits > 0; edits--) {
      const at = random(text.length + 1)
      text = text.slice(0, at) + (random(3) > 0 ? letters[random(letters.length)]! : '') + text.slice(at + random(2))
    }
    if (!agrees(text)) {
      const read = parseJson(text)
      t.ok(read.kind === 'invalid' && read.problems.every(({ problem }) => problem.includes('twice')), JSON.stringify(text))
    }
  }
})

t.test('a name that stands twice is told where it stands, and so are all others', async t => {
  t.strictSame(pointersOf('{"version":1,"version":1}'), ['/version'])
  t.strictSame(pointersOf('{"rules":[{"host":"a","x/y":1,"host":"b","x\\u002fy":2}]}'), ['/rules/0/host', '/rules/0/x~1y'], 'an escape does not make another name of it')
  t.strictSame(pointersOf('{"a":{"__proto__":{"unmatched":"observe"}}}'), ['/a/__proto__'], 'some readers would follow it')
  t.strictSame(pointersOf('{"constructor":1}'), [], 'what every object inherits is no name that stood there before')
})

t.test('what is wrong is told with line and column', async t => {
  const read = parseJson('{\n  "a": 1,\n}')
  t.match(read, { kind: 'invalid', problems: [{ pointer: '', problem: /^Line 3, column 1: "}" stands where a name/ }] })
  t.match(parseJson('\u001b[2J'), { problems: [{ problem: /\\\\?u\{?001b|\\u001b/i }] }, 'and what stands there is safe to show')
})

t.test('64 levels are read and 65 are not', async t => {
  t.equal(parseJson('['.repeat(64) + ']'.repeat(64)).kind, 'json')
  t.match(parseJson('['.repeat(65) + ']'.repeat(65)), { kind: 'invalid', problems: [{ problem: /deeper than 64/ }] })
  t.equal(parseJson('['.repeat(1_000_000)).kind, 'invalid', 'the stack does not grow with the text')
})

t.test('a byte order mark is no space', async t => {
  t.match(parseJson('\ufeff{"version":1}'), { kind: 'invalid', problems: [{ problem: /^Line 1, column 1: "\\u\{feff\}"/ }] })
})

t.test('the places of the outermost members are where their values stand', async t => {
  const text = ' { "a" : [1, 2] , "b":"x" }'
  const read = parseJson(text)
  t.equal(read.kind, 'json')
  if (read.kind === 'json') t.strictSame([...read.members].map(([name, { start, end }]) => [name, text.slice(start, end)]), [['a', '[1, 2]'], ['b', '"x"']])
})

t.test('a long string costs no more than its length', async t => {
  t.equal(parseJson(`"${'\\\\'.repeat(2_000_000)}"`).kind, 'json')
  t.equal(parseJson(`"${'\\\\'.repeat(2_000_000)}`).kind, 'invalid', 'also where its end is missing')
})

function lcg(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor(state / 65_536) % below
  }
}
