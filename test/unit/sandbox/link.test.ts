/** What is made of what a helper says, and of how it ends. */
import t from 'tap'
import { EventEmitter } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { connect } from '../../../lib/sandbox/link.ts'
import type { Link } from '../../../lib/sandbox/link.ts'
import type { Order, Report } from '../../../lib/sandbox/messages.ts'

function helper(): { readonly link: Link, readonly sent: Order[], says(report: Report, handle?: object): void, writes(text: string): void, ends(signal?: string): void } {
  const stderr = new PassThrough()
  const sent: Order[] = []
  const child = Object.assign(new EventEmitter(), { stderr, signalCode: null as string | null, connected: true, send: (order: Order) => sent.push(order) })
  return {
    link: connect(child as unknown as ChildProcess), sent,
    says: (report, handle) => child.emit('message', report, handle),
    writes: text => stderr.emit('data', Buffer.from(text)),
    ends(signal) {
      child.signalCode = signal ?? null
      child.connected = false
      child.emit('exit', 1, signal ?? null)
      child.emit('disconnect')
    },
  }
}
const READY: Report = { kind: 'ready', handed: ['tcp', 'dns-udp4'] }

t.test('the command\'s end is told once the helper is gone', async t => {
  const { link, says, ends } = helper()
  let isOver = false
  void link.exited.then(() => { isOver = true })
  says(READY)
  await link.ready
  says({ kind: 'running', pid: 7 })
  t.equal(await link.running, 7)
  says({ kind: 'ended', code: 3, signal: null, rejected: { udp: 2, other: 0 } })
  await new Promise(resolve => setImmediate(resolve))
  t.notOk(isOver)
  ends()
  t.strictSame(await link.exited, { code: 3, signal: null })
})

t.test('the doors are there when all that were announced are', async t => {
  const { link, says } = helper()
  let doors: unknown = null
  void link.doors.then(value => { doors = value })
  says(READY)
  says({ kind: 'handed', what: 'tcp' }, {})
  await new Promise(resolve => setImmediate(resolve))
  t.equal(doors, null)
  says({ kind: 'handed', what: 'dns-udp4' }, {})
  t.match(await link.doors, { dns: { length: 1 }, dnsTcp: { length: 0 } })
})

t.test('a helper that ends before it said anything was refused its namespaces', async t => {
  const { link, writes, ends } = helper()
  writes('unshare: unshare failed: Operation not permitted\n')
  ends()
  for (const promise of [link.ready, link.doors, link.running, link.exited, link.failed]) await t.rejects(promise, { code: 'E_SANDBOX_REFUSED' })
})

t.test('a network that could not be closed is a failure with its reason', async t => {
  const { link, says } = helper()
  says({ kind: 'failed', problem: 'nft: no such table' })
  await t.rejects(link.ready, { code: 'E_SANDBOX_FAILED', message: /no such table/ })
})

t.test('a sandbox that bwrap gave up, or that was killed, is told apart', async t => {
  const gaveUp = helper()
  gaveUp.says(READY)
  gaveUp.says({ kind: 'ended', code: null, signal: null, rejected: null })
  gaveUp.ends()
  await t.rejects(gaveUp.link.exited, { code: 'E_SANDBOX_FAILED', message: /bwrap/ })
  const killed = helper()
  killed.says(READY)
  killed.says({ kind: 'running', pid: 7 })
  killed.ends('SIGKILL')
  t.strictSame(await killed.link.exited, { code: null, signal: 'SIGKILL' })
})

t.test('nothing is sent to a helper that is gone', async t => {
  const { link, sent, ends } = helper()
  link.send({ kind: 'signal', signal: 'SIGTERM' })
  ends()
  link.send({ kind: 'signal', signal: 'SIGTERM' })
  t.equal(sent.length, 1)
})
