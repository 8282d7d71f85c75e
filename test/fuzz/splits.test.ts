/**
 * However the bytes of a client are cut, in size and in time, the same becomes of them: the raw request vectors in
 * pieces. `SEED=…` repeats a run, `FUZZ_CASES=…` makes it longer.
 */
import t from 'tap'
import { cases, openLanes, runCase } from '../conformance/raw-cases.ts'
import type { Write } from '../conformance/raw-cases.ts'
import { seeded } from '../unit/decide/seeded.ts'
import type { Seeded } from '../unit/decide/seeded.ts'

const COUNT = 120 * Number(process.env['FUZZ_CASES'] ?? 1)
const LANES = 12
/** Longer texts are cut into fewer pieces of a byte: a turn of the event loop lies between two of them. */
const MAX_PIECES = 400

t.test('requests in pieces', { timeout: 110_000 + COUNT * 200 }, async t => {
  const random = seeded()
  t.comment(`SEED=${random.seed}`)
  const lanes = await openLanes(t, LANES)
  if (lanes === null) return void t.pass('requests in pieces', { skip: 'ports 80 and 443 may not be bound by this user' })
  const queue = Array.from({ length: COUNT }, () => random.pick(cases))
  const cuts = queue.map(() => random.upTo(2 ** 31))
  await Promise.all(lanes.map(async lane => {
    for (let one = queue.pop(); one !== undefined; one = queue.pop()) {
      const seed = cuts.pop()!
      await runCase(t, lane, { ...one, why: `${one.why} (cut by ${seed})` }, inPieces(seeded(seed)))
    }
  }))
})

function inPieces(random: Seeded): Write {
  return async (wire, bytes) => {
    const largest = random.pick([1, 2, 7, 64, 1_400])
    let pieces = 0
    for (let at = 0; at < bytes.length;) {
      const size = pieces++ < MAX_PIECES ? 1 + random.upTo(largest) : 16_384
      wire.write(bytes.slice(at, at + size))
      at += size
      for (let turns = random.upTo(3); turns > 0; turns--) await new Promise(setImmediate)
    }
  }
}
