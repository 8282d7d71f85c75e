/** Questions with something in every field. */
import type { Held, HeldTask } from '../../lib/model/hold.ts'

export function sampleHeld(changes: Partial<Held> = {}): Held {
  return {
    kind: 'request',
    id: 'q1',
    shown: `${changes.id ?? 'q1'}.1`,
    flow: 'f1',
    client: '127.0.0.1',
    scheme: 'https',
    host: 'api.example.test',
    hostKind: 'name',
    port: 443,
    method: 'POST',
    target: '/v1/items?x=1',
    path: '/v1/items',
    headers: [{ name: 'Content-Type', bytes: 16 }],
    contentLength: 12,
    contentType: 'application/json',
    userAgent: 'curl/8',
    asker: null,
    waiting: 2,
    firstSeen: '2030-01-01T00:00:00.000Z',
    deadline: '2030-01-01T00:04:00.000Z',
    policy: { name: 'research', generation: 3 },
    answers: null,
    note: null,
    nearest: { rule: 'reads', why: 'the method is POST' },
    suggestions: [
      { shape: 'exact', says: 'exactly this', rule: { host: 'api.example.test', method: 'POST', path: '/v1/items' } },
      { shape: 'host', says: 'anything on this host', rule: { host: 'api.example.test', access: 'full' } },
    ],
    risks: [{ code: 'first-contact', says: 'first contact with example.test' }],
    group: { id: changes.id ?? 'q1', questions: 1, waiting: 2, suggestion: null },
    display: {
      host: 'api.example.test:443',
      unicode: null,
      method: 'POST',
      path: '/v1/items?x=1',
      client: '127.0.0.1',
      userAgent: 'curl/8',
      asker: '',
      body: '{"text":"hi"}',
      line: 'POST https://api.example.test/v1/items?x=1',
    },
    ...changes,
  }
}

export function sampleTask(changes: Partial<HeldTask> = {}): HeldTask {
  return {
    kind: 'task',
    id: 't1',
    shown: 't1.1',
    flow: 'f2',
    client: '127.0.0.1',
    reason: 'to write the digest',
    rules: [{ rule: { host: 'api.example.test', method: 'GET', path: '/v1/**' }, says: 'GET https api.example.test "/v1/**"', answers: ['reads'] }],
    waiting: 1,
    firstSeen: '2030-01-01T00:00:00.000Z',
    deadline: '2030-01-01T01:00:00.000Z',
    policy: { name: 'research', generation: 3 },
    risks: [{ code: 'answers-hold', says: 'it answers beforehand what the rule "reads" would ask about' }],
    display: { client: '127.0.0.1', reason: 'to write the digest', line: '127.0.0.1 asks beforehand for a rule about api.example.test: "to write the digest"' },
    ...changes,
  }
}
