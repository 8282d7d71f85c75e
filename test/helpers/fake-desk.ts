/** A desk whose questions, answers and events are the test's; and what tests of the socket have in common. */
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { createRecent } from '../../lib/audit/recent.ts'
import type { Recent } from '../../lib/audit/recent.ts'
import type { AnswerResult, Desk, DeskEvent, LogPart, Status } from '../../lib/model/desk.ts'
import type { Granted } from '../../lib/model/grants.ts'
import type { Answer, Pending } from '../../lib/model/hold.ts'
import type { ParseAnswer } from '../../lib/control/actions.ts'

export interface FakeDesk extends Desk {
  readonly waiting: Pending[]
  readonly answers: { readonly id: string, readonly answer: Answer, readonly door: string }[]
  /** Every id that was asked for. */
  readonly asked: string[]
  readonly listeners: Set<(event: DeskEvent) => void>
  /** What is open. */
  readonly granted: Granted[]
  readonly undone: { readonly id: string, readonly by: string | null, readonly door: string }[]
  /** What the log was told. */
  readonly recent: Recent
  /** What its log's files hold; default: there are none. */
  part?: (...asked: Parameters<Desk['searchLog']>) => LogPart
  /** What `answer` says of an id it knows. */
  result: AnswerResult
  emit(event: DeskEvent): void
}

export const STATUS: Status = {
  state: 'running', version: '0.1.0', pid: 1, startedAt: '2030-01-01T00:00:00.000Z', uptimeMs: 1.5, listeners: ['http://127.0.0.1:1'],
  policy: { name: null, hash: 'h', generation: 1, rules: 2, unmatched: 'hold', problem: null },
  counts: { connections: 0, flows: 0, waiting: 0, questions: 0, grants: 0, allowed: 0, denied: 0, refused: 0, held: 0 },
  limits: { holdMs: 240_000 }, budgets: [], roots: 'system', audit: { healthy: true, problem: null },
  ca: { path: 'ca.crt', fingerprint: 'aa', expires: '2040-01-01T00:00:00.000Z' }, warnings: [],
}

export function fakeDesk(waiting: Pending[] = []): FakeDesk {
  const listeners = new Set<(event: DeskEvent) => void>()
  const answers: FakeDesk['answers'] = []
  const asked: string[] = []
  const granted: Granted[] = []
  const undone: FakeDesk['undone'] = []
  const recent = createRecent(100)
  const desk: FakeDesk = {
    waiting,
    answers,
    asked,
    listeners,
    granted,
    undone,
    recent,
    result: { kind: 'accepted', released: 1, grant: null, persisted: false },
    status: () => STATUS,
    pending: () => waiting,
    async answer(id, answer, door) {
      asked.push(id)
      if (!waiting.some(held => held.id === id)) return { kind: 'unknown' }
      answers.push({ id, answer, door })
      return desk.result
    },
    async answerAll(questions, answer, door) {
      for (const { id } of questions) answers.push({ id, answer, door })
      return { kind: 'accepted', answered: questions.length, released: questions.length, grants: [], persisted: false, left: [] }
    },
    grants: () => granted,
    async undo(id, by, door) {
      undone.push({ id, by, door })
      return granted.some(grant => grant.id === id) ? { kind: 'undone', closed: 2 } : { kind: 'unknown' }
    },
    rules: () => ({ rules: [{ rule: { id: 'reads', host: 'api.example.test' }, hits: 3, lastHit: '2030-01-01T00:00:00.000Z', budget: null }], unmatched: { action: 'hold', hits: 0, lastHit: null }, generation: 1 }),
    flows: recent,
    searchLog: async (query, older) => desk.part?.(query, older) ?? null,
    policy: () => ({ document: { version: 1 }, hash: 'h', generation: 1 }),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    emit: event => listeners.forEach(listener => listener(event)),
  }
  return desk
}

/** Takes what has one of the verdicts as its own property and nothing beside it. */
export const parseVerdict: ParseAnswer = value => {
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : []
  const extra = keys.filter(key => !['verdict', 'grant', 'reason', 'by'].includes(key))
  if (extra.length > 0) return { kind: 'refused', problems: extra.map(key => `${key} is not a field of an answer`) }
  return keys.includes('verdict') ? { kind: 'answer', answer: value as Answer } : { kind: 'refused', problems: ['verdict is missing'] }
}

/** A short folder, 0700: a socket's path has little room. */
export function shortDir(t: { teardown(call: () => void): unknown }): string {
  const dir = mkdtempSync(join(tmpdir(), 'sp-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Sends bytes as they are and resolves with all that comes back until the other side closes. */
export function talk(path: string, bytes: string | Buffer, { thenEnd = false } = {}): Promise<string> {
  return new Promise((done, fail) => {
    const socket = connect({ path })
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => { text += part })
    socket.on('close', () => done(text))
    socket.on('error', error => text === '' && (error as NodeJS.ErrnoException).code !== 'ECONNRESET' && (error as NodeJS.ErrnoException).code !== 'EPIPE' ? fail(error) : undefined)
    if (thenEnd) socket.end(bytes)
    else socket.write(bytes)
  })
}
