/**
 * The firewall under load, in a process of its own that the soak can measure, stop and kill.
 * Told by messages; answers each with one.
 */
import { readdirSync } from 'node:fs'
import { createFirewall, systemClock } from '../../lib/index.ts'
import type { PolicyDocument } from '../../lib/index.ts'
import { GRANT_MS } from './measure.ts'
import type { Measure, SubjectOptions, Told } from './measure.ts'

const { folder, audit, origin, slowMs = 0 } = JSON.parse(process.argv[2]!) as SubjectOptions

const policy = (generation: number): PolicyDocument => ({
  version: 1, name: `soak ${generation % 2}`, rules: [
    { id: 'open', host: 'open.test', port: origin, scheme: 'http', private: true },
    { id: 'asked', action: 'hold', host: 'held.test', port: origin, scheme: 'http', private: true },
  ],
})
const HOUR_MS = 3_600_000
let generation = 0
let set = 0
const slow = new Int32Array(new SharedArrayBuffer(4))
let asked = 0
const firewall = await createFirewall({
  policy: policy(0), certs: folder, env: {}, clock: { ...systemClock, now: () => systemClock.now() + set },
  audit: slowMs === 0 ? audit : [audit, () => { Atomics.wait(slow, 0, 0, slowMs) }],
  lookup: async () => ['127.0.0.1'], standing: true,
  limits: { waiters: 20_000, waitersPerClient: 20_000, connections: 25_000, holdMs: 600_000, questionsPerHost: 200 },
  // Fails in each of the ways in which a hook can.
  approve: async () => {
    if (asked++ % 3 === 0) throw new Error('the hook fell over')
    return asked % 3 === 1 ? 'yes' as never : { verdict: 'pass' }
  },
})
const { port } = await firewall.listen()

process.on('message', (told: Told) => { void serve(told).then(answer => process.send?.(answer)) })
// The soak has ended, however it did.
process.on('disconnect', () => process.exit())
process.send?.({ port })

async function serve(told: Told): Promise<unknown> {
  switch (told) {
    case 'measure': return measure()
    case 'reload': await firewall.reload(policy(++generation)); return null
    case 'answer': return Promise.all(firewall.pending().map(({ id }) => firewall.answer(id, { verdict: 'deny', reason: 'the soak is over' })))
    case 'grant': return Promise.all(firewall.pending().map(({ id }) => firewall.answer(id, { verdict: 'approve', grant: { rule: { host: 'held.test', port: origin, scheme: 'http' }, ttlMs: GRANT_MS } })))
    case 'back': set -= HOUR_MS; return null
    case 'forth': set += HOUR_MS; return null
    case 'close': await firewall.close(); return null
    default: return told satisfies never
  }
}

async function measure(): Promise<Measure> {
  // What waits for the turn to end goes first; the collector needs more than one go.
  for (let n = 0; n < 4; n++) { await new Promise(resolve => setImmediate(resolve)); globalThis.gc?.() }
  const active = process.getActiveResourcesInfo()
  const { counts } = firewall.status()
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    sockets: active.filter(name => name === 'TCPSocketWrap').length,
    timers: active.filter(name => name === 'Timeout').length,
    heapBytes: process.memoryUsage().heapUsed,
    waiting: counts.waiting, questions: counts.questions, grants: counts.grants, flows: counts.flows,
  }
}
