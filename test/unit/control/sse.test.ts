import t from 'tap'
import { createEventReader, formatEvent, HEARTBEAT, type SentEvent } from '../../../lib/control/sse.ts'

const LIMIT = 100

const read = (pieces: Iterable<string>): SentEvent[] => {
  const reader = createEventReader(LIMIT)
  return [...pieces].flatMap(piece => reader.feed(piece))
}

const STREAM = formatEvent(1, 'asked', { a: 'x\ny' }) + HEARTBEAT + formatEvent(2, 'notice', { says: 'é: \u2028 "' })
const EVENTS = [
  { name: 'asked', data: '{"a":"x\\ny"}' },
  { name: 'notice', data: '{"says":"é: \u2028 \\""}' },
]

t.test('what is written is read', async t => {
  t.strictSame(read([STREAM]), EVENTS)
  t.strictSame(read(STREAM), EVENTS, 'one character at a time')
  for (let cut = 0; cut <= STREAM.length; cut++) {
    t.strictSame(read([STREAM.slice(0, cut), STREAM.slice(cut)]), EVENTS, `cut at ${cut}`)
    const part = read([STREAM.slice(0, cut)])
    t.strictSame(part, EVENTS.slice(0, part.length), `truncated at ${cut}: whole events or none`)
  }
})

t.test('an event stream is read as the standard has it', async t => {
  // [what it shows, stream, events]
  const rows: [string, string, SentEvent[]][] = [
    ['lines may end in CRLF', 'event: x\r\ndata: 1\r\n\r\n', [{ name: 'x', data: '1' }]],
    ['several data lines are one text', 'data: 1\ndata: 2\n\n', [{ name: 'message', data: '1\n2' }]],
    ['one space after the colon does not count', 'data:  1\n\n', [{ name: 'message', data: ' 1' }]],
    ['no space is needed', 'data:1\n\n', [{ name: 'message', data: '1' }]],
    ['no data, no event; its name is forgotten', 'event: x\n\ndata: 1\n\n', [{ name: 'message', data: '1' }]],
    ['comments and unknown fields say nothing', ': hello\nfoo: bar\nretry: 1\n\n', []],
    ['a field without a colon is empty', 'data\n\n', [{ name: 'message', data: '' }]],
    ['an event that is not ended is none', 'data: 1\n', []],
  ]
  for (const [shows, stream, events] of rows) t.strictSame(read([stream]), events, shows)
})

t.test('an endless line or event is refused, not kept', async t => {
  t.throws(() => read(['x'.repeat(LIMIT + 1)]), RangeError)
  t.throws(() => read(Array.from({ length: LIMIT + 1 }, () => 'x')), RangeError)
  t.throws(() => read(Array.from({ length: LIMIT }, () => 'data: x\n')), RangeError)
})

t.test('whatever arrives is events or a RangeError', async t => {
  const seed = Number(process.env['SEED'] ?? 20300101)
  t.comment(`seed ${seed}`)
  let state = seed
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state % below
  }
  for (let round = 0; round < 2_000; round++) {
    const bytes = [...STREAM]
    for (let change = random(6); change >= 0; change--) bytes[random(bytes.length)] = '\n\r: dataevnt\0{}'[random(16)] ?? ''
    try {
      for (const { name, data } of read(bytes)) if (typeof name !== 'string' || data.length > LIMIT) t.fail(JSON.stringify(bytes.join('')))
    } catch (error) {
      if (!(error instanceof RangeError)) t.fail(String(error))
    }
  }
})
