/**
 * In whatever order requests arrive, leave, are answered, time out and are judged again, nothing is let through without
 * an answer that covers it, every wait ends once, and nothing is left behind. `property.ts` says how a run is repeated.
 */
import t from 'tap'
import fc from 'fast-check'
import type { Held } from '../../lib/model/hold.ts'
import { request } from '../unit/decide/facts.ts'
import { LIMITS, createWorld } from './held-world.ts'
import type { World } from './held-world.ts'
import { SEED, holds } from './property.ts'

t.comment(`SEED=${SEED}`)

const some = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

const ASK = { id: 'ask', action: 'hold', host: 'a.test', path: '/ask/**' }
const POLICIES: readonly unknown[] = [
  { version: 1 },
  { version: 1, unmatched: 'deny', rules: [ASK] },
  { version: 1, rules: [ASK, { id: 'open', host: 'a.test' }] },
  { version: 1, rules: [ASK, { id: 'never', action: 'deny', host: 'a.test', path: '/ask/never' }] },
  { version: 1, rules: [{ ...ASK, id: 'other' }, { id: 'few', host: 'a.test', path: '/few', maxUses: 1 }] },
  { version: 1, unmatched: 'observe', rules: [{ ...ASK, expires: '2030-01-01T00:00:20Z' }] },
  { version: 1, rules: [{ id: 'bad' }] },
]

const RULES: readonly object[] = [{ host: 'a.test' }, { host: '**.test', anyHost: true }, { host: 'a.test', path: '/ask/**' }, { host: 'a.test', path: '/ask/one' }, { host: 'a.test', access: 'read-only' }, { host: 'a.test', method: 'POST' }, { host: 'b.test' }, { host: 'a.test', action: 'deny' }, { host: 'a.test', private: true }]
const answers: fc.Arbitrary<unknown> = fc.oneof(
  some<unknown>({ verdict: 'approve', grant: 'once' }, { verdict: 'deny' }, { verdict: 'deny', ttlMs: 5_000 }, { verdict: 'pass' }, true, 'yes', { verdict: 'approve' }, { verdict: 'approve', grant: 'once', ttlMs: 9 }),
  fc.record({ verdict: fc.constant('approve'), grant: fc.record({ rule: some(...RULES), ttlMs: some(1, 5_000, 60_000), maxUses: some(1, 2) }, { requiredKeys: ['rule'] }) }),
)

type Step =
  | { readonly do: 'arrive', readonly client: string, readonly method: string, readonly target: string, readonly hasContent: boolean, readonly delete: boolean }
  | { readonly do: 'answer', readonly which: number, readonly by: 'library' | 'door', readonly answer: unknown }
  | { readonly do: 'leave' | 'fail', readonly which: number }
  | { readonly do: 'reload', readonly policy: number }
  | { readonly do: 'advance' | 'jump', readonly ms: number }
  | { readonly do: 'standing' | 'close' }

const step: fc.Arbitrary<[Step, boolean]> = fc.tuple(fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: some('arrive' as const), client: some('known', 'a', 'b'), method: some('GET', 'GET', 'POST'), target: some('/ask/one', '/ask/one', '/ask/two', '/ask/never', '/few', '/else', '/ask%2Fone'), hasContent: fc.boolean(), delete: some(false, false, false, true) }) },
  { weight: 7, arbitrary: fc.record({ do: some('answer' as const), which: fc.nat(6), by: some('library' as const, 'library' as const, 'door' as const), answer: answers }) },
  { weight: 2, arbitrary: fc.record({ do: some('leave' as const, 'fail' as const), which: fc.nat(6) }) },
  { weight: 3, arbitrary: fc.record({ do: some('reload' as const), policy: fc.nat(POLICIES.length - 1) }) },
  { weight: 3, arbitrary: fc.record({ do: some('advance' as const), ms: some(1, 999, 4_999, 5_000, LIMITS.holdMs, LIMITS.rememberMs) }) },
  { weight: 1, arbitrary: fc.record({ do: some('jump' as const), ms: some(-3_600_000, -5_000, 5_000, 3_600_000) }) },
  { weight: 1, arbitrary: fc.record({ do: some('standing' as const) }) },
), /* Others in the same turn. */ fc.boolean())

function take(world: World, step: Step): void {
  switch (step.do) {
    case 'arrive': return world.arrive({ ...request(step.target, { host: 'a.test', method: step.method, hasContent: step.hasContent, alsoMethods: step.delete ? ['DELETE'] : [] }), client: step.client })
    case 'answer': return world.answer(step.which, step.by, (_: Held) => step.answer)
    case 'leave': return world.leave(step.which)
    case 'fail': return world.failDoor(step.which)
    case 'reload': return world.reload(POLICIES[step.policy])
    case 'advance': return world.advance(step.ms)
    case 'jump': return world.jump(step.ms)
    case 'standing': return world.toggleStanding()
    case 'close': return world.close()
    default: return step satisfies never
  }
}

await t.test('holding', { timeout: 900_000 }, t => holds(t, { name: 'holding', says: 'nothing is let through without an answer that covers it, every wait ends once, no timer is left', cases: 80, inputs: fc.tuple(fc.nat(5), fc.boolean(), fc.array(step, { maxLength: 30, size: 'max' })) },
  async ([policy, hasDoor, steps]) => {
    const world = createWorld(POLICIES[policy], hasDoor)
    for (const [at, [step, isAlone]] of steps.entries()) {
      // Time passes between turns and not in them.
      const early = step.do === 'advance' || step.do === 'jump' ? await world.settle() : null
      if (early !== null) return `before step ${at + 1}: ${early}`
      take(world, step)
      const wrong = isAlone ? await world.settle() : null
      if (wrong !== null) return `after step ${at + 1}: ${wrong}`
    }
    return world.finish()
  }))
