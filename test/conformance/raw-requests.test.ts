/**
 * Each raw request vector, its bytes written at once. Needs ports 80 and 443 on loopback addresses; where they may not
 * be bound the test is skipped by name, and in CI that is a failure.
 */
import t from 'tap'
import { cases, openLanes, runCase } from './raw-cases.ts'

t.test('raw requests', { timeout: 110_000 }, async t => {
  const lanes = await openLanes(t, 24)
  if (lanes === null) return void t.pass('raw requests', { skip: 'ports 80 and 443 may not be bound by this user' })
  const queue = [...cases]
  await Promise.all(lanes.map(async lane => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) await runCase(t, lane, one)
  }))
})
