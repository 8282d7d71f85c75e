import t from 'tap'
import { createGrantStore } from '../../lib/hold/grants.ts'
import { createHolder } from '../../lib/in-force.ts'
import type { SoundPolicy } from '../../lib/in-force.ts'
import { readPolicy } from '../../lib/read-policy.ts'
import { fakeClock } from '../helpers/fake-clock.ts'

const policy: SoundPolicy = await readPolicy({ version: 1, rules: [] }, fakeClock())

t.test('a grant that ends at whatever moment is out of force soon after, also where the wall clock was set back', async t => {
  // Each look at the time takes some; a timer of Node may call a little early.
  for (const early of [0, 0.2, 0.5, 1, 1.5, 2, 2.5, 3]) {
    const fake = fakeClock()
    let looks = 0
    const clock = { ...fake, elapsed: () => fake.elapsed() + looks++ * 0.25, now: fake.now, after: (ms: number, call: () => void) => fake.after(Math.max(1, ms - early), call) }
    const grants = createGrantStore({ clock, max: 10 })
    const holder = createHolder(policy, grants, clock, () => {})
    grants.add({ id: 'g', question: 'q', rule: { id: 'g', host: 'a.test' }, expiresAt: fake.now() + 1_000, by: null, door: 'x', at: fake.now() } as never)
    holder.refreshGrants()
    t.equal(holder.now.grants.size, 1)
    fake.jump(-3_600_000)
    for (let ms = 0; ms < 1_100; ms++) fake.advance(1)
    t.equal(holder.now.grants.size, 0, `a timer that calls ${early} ms early`)
    t.equal(fake.pending, 0, 'nothing is waited for any more')
    holder.close()
  }
})
