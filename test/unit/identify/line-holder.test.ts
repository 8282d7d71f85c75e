import t from 'tap'
import { createLineHolder } from '../../../lib/identify/line-holder.ts'

const text = ({ bytes, length }: { bytes: Uint8Array, length: number }): string => Buffer.from(bytes.subarray(0, length)).toString('latin1')

t.test('pieces come out as the line they are pieces of', async t => {
  const line = Array.from({ length: 5_000 }, (_, i) => String.fromCharCode(i % 256)).join('')
  for (const size of [1, 7, 255, 256, 257, 5_000]) {
    const holder = createLineHolder()
    const chunk = Buffer.from(line, 'latin1')
    for (let at = 0; at < chunk.length; at += size) holder.add(chunk, at, Math.min(at + size, chunk.length))
    t.equal(text(holder), line, `pieces of ${size}`)
  }
})

t.test('bytes are copied, for a socket may use its buffer again', async t => {
  const holder = createLineHolder()
  const chunk = Buffer.from('abc')
  holder.add(chunk, 1, 3)
  chunk.fill(0)
  t.equal(text(holder), 'bc')
})

t.test('what was read before it let go stays as it was', async t => {
  const holder = createLineHolder()
  holder.add(Buffer.from('first'), 0, 5)
  const { bytes, length } = holder
  holder.clear()
  t.equal(holder.length, 0)
  t.equal(holder.bytes.length, 0, 'an idle connection pays for no buffer')
  holder.add(Buffer.from('other'), 0, 5)
  t.equal(text({ bytes, length }), 'first')
  t.equal(text(holder), 'other')
})
