/** What firewalls say becomes events, and what the operator wants becomes requests. */
import t from 'tap'
import { join } from 'node:path'
import { serveControl } from '../../../lib/control/server.ts'
import { openFeed } from '../../../lib/term/feed.ts'
import type { Event } from '../../../lib/term/state.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { fakeDesk, parseVerdict, shortDir } from '../../helpers/fake-desk.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

type Tap = { teardown(call: () => unknown): unknown }

function open(t: Tap, controls: readonly string[] | null, env: Record<string, string> = {}) {
  const clock = fakeClock()
  const events: Event[] = []
  const waiting = new Set<() => void>()
  const feed = openFeed({ controls, env, clock, dispatch: event => { events.push(event); for (const call of [...waiting]) call() } })
  t.teardown(() => feed.close())
  /** The next event of a kind, from the first that nobody took. */
  const next = <K extends Event['kind']>(kind: K): Promise<Extract<Event, { kind: K }>> => new Promise(done => {
    const look = (): void => {
      const at = events.findIndex(event => event.kind === kind)
      if (at === -1) return
      waiting.delete(look)
      done(events.splice(at, 1)[0] as Extract<Event, { kind: K }>)
    }
    waiting.add(look)
    look()
  })
  return { clock, feed, next }
}

const serve = (path: string, desk = fakeDesk([sampleHeld()])) => serveControl({ path, desk, clock: fakeClock(), parseAnswer: parseVerdict }).then(server => ({ desk, server }))

t.test('a firewall is found, opened and heard; answers, undo and lists go to it and come back', async t => {
  const path = join(shortDir(t), 's.sock')
  const { desk, server } = await serve(path)
  t.teardown(() => server.close())
  const { feed, next } = open(t, [path])
  t.match(await next('found'), { path })
  t.match(await next('opened'), { path, status: { state: 'running' } })
  t.match(await next('told'), { path, event: { event: 'asked', held: { id: 'q1' } } })

  feed.perform({ kind: 'answer', path, questions: [{ id: 'q1', shown: 'q1.1' }], answer: { verdict: 'deny', reason: 'no' } })
  t.match(await next('replied'), { questions: ['q1'], reply: { kind: 'accepted', released: 1, grants: [] } })
  t.strictSame(desk.answers, [{ id: 'q1', answer: { verdict: 'deny', reason: 'no' }, door: 'control' }])
  feed.perform({ kind: 'answer', path, questions: [{ id: 'q1' }, { id: 'q2' }], answer: { verdict: 'deny' } })
  t.match(await next('replied'), { questions: ['q1', 'q2'], reply: { kind: 'accepted', released: 2 } })
  feed.perform({ kind: 'answer', path, questions: [{ id: 'gone' }], answer: { verdict: 'deny' } })
  t.match(await next('replied'), { reply: { kind: 'failed', problem: 'There is no open question gone.' } })
  feed.perform({ kind: 'answer', path: '/another.sock', questions: [{ id: 'q1' }], answer: { verdict: 'deny' } })
  t.match(await next('replied'), { reply: { kind: 'failed', problem: /does not answer/ } })

  feed.perform({ kind: 'undo', path, grant: 'g9', by: 'ann' })
  t.match(await next('taken-back'), { grant: 'g9', reply: { kind: 'failed', problem: /no grant g9/ } })
  t.match(desk.undone, [{ id: 'g9', by: 'ann' }])
  feed.perform({ kind: 'fetch', what: 'rules' })
  t.match(await next('rules'), { path, rules: { rules: [{ rule: { id: 'reads' } }] } })
  feed.perform({ kind: 'fetch', what: 'grants' })
  t.match(await next('grants'), { path, grants: [] })
  feed.perform({ kind: 'search', query: { text: 'x' } })
  t.match(await next('searched'), { path, records: [] })
  let asked: unknown = null
  desk.part = (...args) => { asked = args; return { flows: [], older: null } }
  feed.perform({ kind: 'search', query: { host: 'a.test' } })
  await next('searched')
  t.strictSame(asked, [{ limit: 200, host: 'a.test' }, null], 'in the files, where there are any')
})

t.test('one that is named is tried again when it does not answer; one that was found is forgotten, and found again', async t => {
  const dir = shortDir(t)
  const named = join(dir, 'n.sock')
  const one = open(t, [named])
  t.match(await one.next('closed'), { path: named })
  const first = await serve(named)
  await one.next('found')
  one.clock.advance(2_000)
  t.match(await one.next('opened'), { path: named })
  await first.server.close()
  t.match(await one.next('closed'), { path: named })

  const other = open(t, null, { XDG_RUNTIME_DIR: dir })
  const { mkdirSync } = await import('node:fs')
  mkdirSync(join(dir, 'sallyport'), { mode: 0o700 })
  const found = join(dir, 'sallyport', 'f.sock')
  const second = await serve(found)
  other.clock.advance(2_000)
  t.match(await other.next('found'), { path: found })
  await other.next('opened')
  await second.server.close()
  t.match(await other.next('removed'), { path: found })
  const third = await serve(found)
  t.teardown(() => third.server.close())
  other.clock.advance(2_000)
  t.match(await other.next('found'), { path: found })
})
