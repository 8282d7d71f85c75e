/**
 * docs/console-*.png, the pictures of the console: a desk on which a day's work stands, shown by a real browser.
 *
 * test/e2e/console.test.ts takes them anew with WRITE_DOCS=1. The desk is the real one and so is the page; only
 * the traffic is made up, with a seed, and nothing of it ever reaches a network.
 */
import type { AuditRecord } from '../lib/index.ts'
import { createRecent } from '../lib/audit/recent.ts'
import { layOut } from '../lib/audit/line.ts'
import { openDesk } from '../lib/desk.ts'
import { readPolicy } from '../lib/read-policy.ts'
import type { OpenDesk } from '../lib/desk.ts'
import { limitsWith } from '../lib/limits.ts'
import { systemClock } from '../lib/model/clock.ts'
import type { Desk, Status } from '../lib/model/desk.ts'
import type { PolicyDocument } from '../lib/model/policy.ts'
import type { CanonicalHost, RequestFacts } from '../lib/model/request.ts'

const POLICY: PolicyDocument = {
  version: 1,
  name: 'news-digest',
  rules: [
    { id: 'front-page', host: 'api.news.example', path: '/v2/top', access: 'read-only' },
    { id: 'weather', host: '*.weather.example', access: 'read-only', note: 'hourly, no key needed' },
    { id: 'mirror', host: 'mirror.example.org', access: 'read-only' },
    { id: 'model', host: 'llm.example.com', method: 'POST', path: '/v1/messages' },
    { id: 'pushes', action: 'hold', host: 'git.example.com', method: 'POST', note: 'a push: look at the branch' },
    { id: 'pastes', action: 'deny', host: '**.paste.example', note: 'no uploads to paste sites' },
  ],
}

/** Host, path, action, rule, status, weight. */
const TRAFFIC: readonly (readonly [host: string, path: string, action: NonNullable<AuditRecord['action']>, rule: string | null, status: number, weight: number])[] = [
  ['api.news.example', '/v2/top', 'allow', 'front-page', 200, 30],
  ['api.news.example', '/v2/items/8841', 'allow', null, 200, 40],
  ['llm.example.com', '/v1/messages', 'allow', 'model', 200, 22],
  ['mirror.example.org', '/simple/feedparser/', 'allow', 'mirror', 200, 18],
  ['eu.weather.example', '/today?city=…', 'allow', 'weather', 200, 12],
  ['www.paste.example', '/api/new', 'deny', 'pastes', 403, 6],
  ['metrics.example.net', '/collect', 'refuse', null, 503, 5],
  ['git.example.com', '/team/digest.git/git-receive-pack', 'hold', 'pushes', 503, 3],
]

export interface Scene {
  readonly desk: Desk
  close(): void
}

/** @param seed  of what is made up */
export async function openScene(seed: number): Promise<Scene> {
  const flows = createRecent(5_000)
  let ids = 0
  const desk = openDesk({
    clock: systemClock, limits: limitsWith({}), policy: await readPolicy(POLICY, systemClock), doors: [], flows, log: null,
    hasStandingDoor: () => true, newId: () => `${(++ids).toString(36).padStart(2, '0')}f${seed % 97}`, isKnown: () => true,
  })
  fillLog(desk, flows.note, randomFrom(seed))
  const ask = (facts: Partial<Omit<RequestFacts, 'host'>> & { readonly host: string, readonly target: string }): void => {
    const { path = facts.target.split('?')[0] ?? '/', method = 'GET' } = facts
    const whole = {
      kind: 'request', client: 'digest-agent', scheme: 'https', hostKind: 'name', port: 443, method, methods: [method], path,
      query: facts.target.split('?')[1] ?? null, readings: [path], fields: ['User-Agent', 'python-requests/2.32', 'Accept', '*/*', 'Authorization', 'Bearer not-in-any-picture'], hasContent: false, contentLength: 0,
      ...facts,
    } as RequestFacts & { readonly host: CanonicalHost }
    const decision = desk.decide(whole, null)
    if (decision.kind === 'hold') void desk.hold({ flow: `f${++ids}`, facts: whole, answers: decision.rule, note: decision.note, asker: null }, 240_000)
  }

  // One that was approved a while ago, one for good.
  ask({ host: 'api.news.example', target: '/v2/items/8841' })
  ask({ host: 'cdn.news.example', target: '/img/1.webp' })
  for (const held of desk.pending()) {
    if (held.kind === 'task') continue
    const rule = held.suggestions[held.host.startsWith('cdn') ? 3 : 1]?.rule
    if (rule !== undefined) await desk.answer(held.id, { verdict: 'approve', grant: { rule, ...held.host.startsWith('cdn') ? { maxUses: 500 } : { ttlMs: 3_600_000 } }, by: 'ann' }, 'console')
  }
  for (const grant of desk.grants()) for (let n = 0; n < (grant.maxUses === null ? 212 : 38); n++) desk.hits.note(grant.id)

  for (let n = 1; n <= 14; n++) ask({ host: 'hub.example.net', target: `/api/stories/${8840 + n}` })
  ask({ host: 'git.example.com', target: '/team/digest.git/git-receive-pack', method: 'POST', hasContent: true, contentLength: 48_213, fields: ['User-Agent', 'git/2.43.0', 'Content-Type', 'application/x-git-receive-pack-request', 'Content-Length', '48213'] })
  ask({ host: 'chat.example.com', target: '/api/chat.postMessage', method: 'POST', hasContent: true, contentLength: 1_482, fields: ['User-Agent', 'python-requests/2.32', 'Content-Type', 'application/json', 'Authorization', 'Bearer not-in-any-picture'] })
  ask({ host: 'xn--pypal-4ve.example', target: '/login?next=%2F' })

  desk.tasks.ask({
    client: 'digest-agent', flow: `f${++ids}`, reason: 'Send the finished digest: upload it, then post the link in the team channel.',
    rules: [
      { rule: { host: 'files.example.net', method: 'PUT', path: '/digests/*' }, says: 'PUT https://files.example.net:443/digests/*, whatever the query', answers: [] },
      { rule: { host: 'chat.example.com', method: 'POST', path: '/api/chat.postMessage' }, says: 'POST https://chat.example.com:443/api/chat.postMessage, whatever the query', answers: [] },
    ],
  })

  const status = (): Status => ({
    state: 'running', version: '0.1.0', pid: 1, startedAt: new Date(systemClock.now() - 5_400_000).toISOString(), uptimeMs: 5_400_000, listeners: ['http://127.0.0.1:8080'],
    policy: { name: desk.inForce.ruleset.name, hash: desk.inForce.loaded.hash, generation: desk.inForce.generation, rules: desk.inForce.ruleset.size, unmatched: 'hold', problem: null },
    counts: { connections: 23, flows: 1_284, ...desk.queue, allowed: 1_151, denied: 58, refused: 49, held: 61 },
    limits: {}, budgets: [], roots: 'the system', audit: { healthy: true, problem: null }, ca: { path: 'ca.crt', fingerprint: '', expires: '' }, warnings: [],
  })
  return { desk: { ...desk, status }, close: () => desk.close() }
}

function fillLog(desk: OpenDesk, note: (body: string) => void, random: () => number): void {
  const all = TRAFFIC.reduce((sum, [, , , , , weight]) => sum + weight, 0)
  const now = systemClock.now()
  for (let minute = 15; minute > 0; minute--) {
    const busy = 26 + Math.round(22 * Math.sin(minute / 2) + 10 * random())
    for (let n = 0; n < busy; n++) {
      let at = random() * all
      const [host, path, action, rule, status] = TRAFFIC.find(([, , , , , weight]) => (at -= weight) < 0) ?? TRAFFIC[0]!
      desk.hits.note(rule)
      note(layOut({
        event: 'closed', time: new Date(now - minute * 60_000 + n / busy * 60_000).toISOString(), flow: `${minute}-${n}`, policy: '{"name":"news-digest","hash":"h","generation":3}', durationMs: 8 + 190 * random(), redactQuery: true,
        known: { client: 'digest-agent', scheme: 'https', host, port: 443, method: path.startsWith('/v1') || action === 'deny' ? 'POST' : 'GET', path, action, rule, status, code: action === 'deny' ? 'policy_denied' : action === 'allow' ? null : 'approval_pending', bytesDown: 4_096 },
      }))
    }
  }
}

/** mulberry32: the same numbers for the same seed, everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
