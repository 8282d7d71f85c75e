import t from 'tap'
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { isHeard, publish } from '../../../lib/audit/channel.ts'
import type { ClosedMessage } from '../../../lib/audit/channel.ts'

const MESSAGE: ClosedMessage = {
  flow: 'f1', client: 'c', scheme: 'https', host: 'a.test', port: 443, method: 'GET', target: '/?a=b', action: 'allow', rule: 'r', code: null,
  outcome: { kind: 'done', address: '203.0.113.7', status: 200, bytesUp: 0, bytesDown: 1, error: null },
}

t.test('who listens hears it, frozen, under the documented name', async t => {
  for (const step of ['normalized', 'held', 'ruled', 'closed'] as const) {
    const name = `sallyport:flow:${step}`
    const heard: unknown[] = []
    const listener = (message: unknown): void => { heard.push(message) }
    t.notOk(isHeard(step))
    subscribe(name, listener)
    t.ok(isHeard(step))
    publish(step, { ...MESSAGE, outcome: { ...MESSAGE.outcome! }, answers: null })
    unsubscribe(name, listener)
    t.match(heard, [{ flow: 'f1', target: '/?a=b' }])
    t.ok(Object.isFrozen(heard[0]))
    t.ok(Object.isFrozen((heard[0] as ClosedMessage).outcome))
    t.equal(channel(name).hasSubscribers, false)
  }
})

t.test('unheard, nothing is touched', async t => {
  const message = { ...MESSAGE }
  publish('closed', message)
  t.notOk(Object.isFrozen(message))
})

t.test('a subscriber that throws changes nothing for the flow or for other subscribers; Node raises it afterwards', async t => {
  const script = fileURLToPath(new URL('./throws-in-channel.ts', import.meta.url))
  const run = (...args: string[]): { status: number | null, stdout: string } => spawnSync(process.execPath, [...process.execArgv, script, ...args], { encoding: 'utf8' })
  t.match(run('handled'), { status: 0, stdout: 'published\nheard by another\nraised: from a subscriber\n' })
  t.match(run(), { status: 1, stdout: 'published\nheard by another\n' }, 'unhandled it ends the process: closed, not open')
})
