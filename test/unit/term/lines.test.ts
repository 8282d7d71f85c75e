/** Lines are as wide as they say, and nothing that is not safe to show is ever in one. */
import t from 'tap'
import { beside, cut, fit, line, lineWidth, span, spread, tall, widthOf, wrap } from '../../../lib/term/lines.ts'

const text = (spans: readonly { readonly text: string }[]): string => spans.map(({ text }) => text).join('')

t.test('a character takes the columns that a terminal gives it', async t => {
  const rows = [['abc', 3], ['äöü', 3], ['漢字', 4], ['é', 1], ['e\u0301', 1], ['🦊', 2], ['ｆｕｌｌ', 8], ['ไทย', 3], ['', 0]] as const
  for (const [characters, width] of rows) t.equal(widthOf(characters), width, characters)
})

t.test('a span is safe to show, whatever it is made of', async t => {
  const evil = '\x1b[2J\x1b]0;x\x07\r\n\u202eab\u200b\u0000\u009b'
  t.notMatch(span(evil).text, /[\p{C}\u202e\u200b]/u)
  t.equal(span('\x1b').text, '\\u{1b}')
})

t.test('what is too long is cut with a mark, in the span where it is too long', async t => {
  const spans = [span('GET ', 'accent'), span('/a/long/path')]
  t.equal(text(cut(spans, 99)), 'GET /a/long/path')
  t.equal(text(cut(spans, 9)), 'GET /a/l…')
  t.equal(text(cut(spans, 1)), '…')
  t.equal(text(cut(spans, 0)), '')
  t.equal(text(cut(line('漢字漢字'), 4)), '漢…', 'no half of a wide character')
  for (let width = 0; width < 20; width++) t.equal(lineWidth(fit(spans, width)), width)
})

t.test('two ends of a line: the left one gives way', async t => {
  t.equal(text(spread(line('left'), line('right'), 12)), 'left   right')
  t.equal(text(spread(line('a long left'), line('right'), 10)), 'a lo…right')
})

t.test('wrapped text is whole, and prefers to end behind what it is told', async t => {
  t.strictSame(wrap('{"a":1,"b":22,"c":333}', 16, { behind: ',' }).map(text), ['{"a":1,"b":22,', '"c":333}'])
  t.strictSame(wrap('xxxxxxxxxx,y', 9, { behind: ',' }).map(text), ['xxxxxxxxx', 'x,y'])
  for (let width = 1; width < 40; width++) {
    const lines = wrap('{"host":"api.example.test","path":["/items/*","/漢字/**"]}', width, { indent: 2, behind: ',' })
    t.equal(lines.map(each => text(each.slice(1))).join(''), '{"host":"api.example.test","path":["/items/*","/漢字/**"]}')
  }
  t.equal(wrap('', 10).length, 1)
})

t.test('columns and heights are exact', async t => {
  t.strictSame(beside([line('a')], [line('b'), line('c')], 3).map(text), ['a   │ b', '    │ c'])
  t.equal(tall([line('a')], 3).length, 3)
  t.equal(tall([line('a')], -1).length, 0)
})
