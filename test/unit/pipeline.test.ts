/** The corridor with rooms of cardboard: what it does with every way a ruling can come about. */
import t from 'tap'
import { Permit } from '../../lib/model/decision.ts'
import type { Allow, Decision } from '../../lib/model/decision.ts'
import type { Arrival, Outcome, Refusal } from '../../lib/model/flow.ts'
import type { WaitEnd } from '../../lib/model/hold.ts'
import { PUBLIC_ONLY } from '../../lib/model/policy.ts'
import type { RequestFacts } from '../../lib/model/request.ts'
import { handle } from '../../lib/pipeline.ts'
import type { Ending, Rooms } from '../../lib/pipeline.ts'

const facts: RequestFacts = {
  kind: 'request', client: 'c', scheme: 'https', host: 'a.test' as never, hostKind: 'name', port: 443, method: 'GET', methods: ['GET'],
  target: '/', path: '/', query: null, readings: ['/'], fields: [], hasContent: false, contentLength: 0,
}
const allow = (): Allow => ({
  kind: 'allow', permit: Permit.issue(facts, 'r', { scope: PUBLIC_ONLY, maxRequestBytes: null, maxResponseBytes: null }),
  rule: 'r', grant: null, isOnce: false, wouldHold: false, useKeys: [], byteBudgets: [],
})
const held: Decision = { kind: 'hold', rule: null, note: null }
const done: Outcome = { kind: 'done', address: '127.0.0.1', status: 200, bytesUp: 0, bytesDown: 3, error: null }
const released: WaitEnd = { kind: 'released', once: null, by: null, door: null, question: 'q' }

interface Stage {
  readonly log: string[]
  readonly refusals: Refusal[]
  isGone: boolean
}

async function run(given: { decide?: (times: number) => Decision, ends?: WaitEnd[], forward?: () => Promise<Outcome>, closed?: () => never, refused?: boolean, leavesWhileReleased?: boolean }): Promise<Stage & { endings: Ending[] }> {
  const stage: Stage = { log: [], refusals: [], isGone: false }
  const endings: Ending[] = []
  let decisions = 0
  const ends = [...given.ends ?? []]
  const rooms: Rooms = {
    decide() { stage.log.push('decide'); return (given.decide ?? (() => allow()))(decisions++) },
    take() { stage.log.push('take') },
    closed: given.closed ?? (() => null),
    asker: () => null,
    bodyShown: () => null,
    hold() {
      stage.log.push('hold')
      const end = ends.shift()
      if (end === undefined) throw new Error('nobody to ask')
      if (given.leavesWhileReleased) stage.isGone = true
      return { ended: Promise.resolve(end), waiters: () => 1, leave() {} }
    },
    holdMs: 1_000,
    elapsed: () => 0,
    serve: () => null,
    mayAsk: false,
    keepAlive: () => { stage.log.push('keep alive'); return () => { stage.log.push('let go') } },
    forward() { stage.log.push('forward'); return (given.forward ?? (async () => done))() },
    record: () => ({ held() {}, answered() {}, ruled() {}, closed(ending) { stage.log.push('closed'); endings.push(ending) } }),
  }
  const window = {
    kind: 'stream', socket: null as never, head: new Uint8Array(),
    get isGone() { return stage.isGone },
    onGone: () => () => {},
    refuse(refusal: Refusal) { stage.refusals.push(refusal) },
    cut() { stage.log.push('cut') },
  }
  const arrival = {
    flow: 'f',
    facts: given.refused ? { kind: 'refused', code: 'malformed_request', reason: 'r', unread: { client: 'c', scheme: null, host: null, port: null, method: null, target: null } } : { kind: 'facts', facts },
    window,
  } as unknown as Arrival
  await handle(arrival, rooms)
  return { ...stage, endings }
}

t.test('what is allowed is counted, forwarded and closed, in that order', async t => {
  t.strictSame((await run({})).log, ['decide', 'take', 'forward', 'closed'])
})

t.test('what cannot be read is refused without a judgement', async t => {
  const { log, refusals } = await run({ refused: true })
  t.strictSame(log, ['closed'])
  t.equal(refusals[0]?.code, 'malformed_request')
})

t.test('I3: whatever throws on the way to a ruling is a denial', async t => {
  const boom = (): never => { throw new Error('boom') }
  for (const [what, given] of Object.entries({
    'the judgement': { decide: boom },
    'the second judgement': { decide: (times: number) => times === 0 ? held : boom(), ends: [released] },
    'asking': { decide: () => held },
    'the look at the log': { closed: boom },
  })) {
    const { log, refusals } = await run(given)
    t.notOk(log.includes('forward'), `${what}: nothing is forwarded`)
    t.equal(refusals[0]?.code, 'judgement_failed', what)
    t.equal(log.filter(step => step === 'closed').length, 1, `${what}: one closing record`)
  }
})

t.test('every end of a wait but a release is a refusal of its own', async t => {
  const ends: [WaitEnd, string][] = [
    [{ kind: 'denied', reason: 'no', by: 'me', door: 'd', question: 'q' }, 'approval_denied'],
    [{ kind: 'expired', question: 'q' }, 'approval_pending'],
    [{ kind: 'full' }, 'approval_queue_full'],
    [{ kind: 'unavailable', question: 'q' }, 'approver_unavailable'],
    [{ kind: 'shutdown' }, 'shutting_down'],
  ]
  for (const [end, code] of ends) {
    const { log, refusals } = await run({ decide: () => held, ends: [end] })
    t.equal(refusals[0]?.code, code, end.kind)
    t.strictSame(log, ['decide', 'keep alive', 'hold', 'let go', 'closed'], `${end.kind}: nothing is forwarded`)
  }
})

t.test('the operator\'s reason reaches the client', async t => {
  const { refusals } = await run({ decide: () => held, ends: [{ kind: 'denied', reason: 'use the mirror', by: null, door: null, question: 'q' }] })
  t.equal(refusals[0]?.operatorReason, 'use the mirror')
})

t.test('I11: a release is not a permit: the request is judged again', async t => {
  t.strictSame((await run({ decide: times => times === 0 ? held : allow(), ends: [released] })).log, ['decide', 'keep alive', 'hold', 'decide', 'take', 'let go', 'forward', 'closed'])
  const denied = await run({ decide: times => times === 0 ? held : { kind: 'deny', code: 'policy_denied', rule: 'd', reason: 'r' }, ends: [released] })
  t.equal(denied.refusals[0]?.code, 'policy_denied', 'a policy that changed meanwhile denies')
  const again = await run({ decide: times => times < 2 ? held : allow(), ends: [released, released] })
  t.equal(again.log.filter(step => step === 'hold').length, 2, 'what is still held is asked again')
})

t.test('nothing is forwarded, and nothing told, for a client that left', async t => {
  for (const given of [
    { decide: () => held, ends: [{ kind: 'left', question: 'q' } as const] },
    { decide: (times: number) => times === 0 ? held : allow(), ends: [released], leavesWhileReleased: true },
  ]) {
    const { log, refusals, endings } = await run(given)
    t.notOk(log.includes('forward'))
    t.equal(refusals.length, 0)
    t.equal(endings[0]?.kind, 'left')
  }
})

t.test('a log that cannot be written lets nothing new pass', async t => {
  const { log, refusals } = await run({ closed: (() => 'audit_unavailable') as never })
  t.equal(refusals[0]?.code, 'audit_unavailable')
  t.strictSame(log, ['decide', 'closed'], 'no use is counted')
})

t.test('a refusal of the upstream\'s side is told; a failure of ours cuts', async t => {
  const refused = await run({ forward: async () => ({ kind: 'refused', code: 'address_forbidden', reason: 'r', address: '10.0.0.1', bytesUp: 0 }) })
  t.equal(refused.refusals[0]?.code, 'address_forbidden')
  const failed = await run({ forward: async () => { throw new Error('bug') } })
  t.strictSame(failed.log, ['decide', 'take', 'forward', 'cut', 'closed'])
})
