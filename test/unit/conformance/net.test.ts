/** Where a run has its origins. */
import t from 'tap'
import { freeNet } from '../../../lib/conformance/net.ts'

t.test('the octets are those that keep every spelling of an address as long as it is', async t => {
  const asked: (readonly [number, number])[] = []
  t.equal(await freeNet(0, (from, to) => { asked.push([from, to]); return to - 1 }), '127.99.63.')
  t.strictSame(asked, [[64, 100], [16, 64]])
  for (const [x, y] of [[64, 16], [99, 63]] as const) {
    const number = (127 * 256 + x) * 65_536 + y * 256 + 1
    t.strictSame([String(x), String(y), String(number), number.toString(16), x.toString(8), y.toString(8), String(number % 2 ** 24)].map(({ length }) => length), [2, 2, 10, 8, 3, 2, 7])
  }
})
