/** A queue on a clock that a test moves, doors that answer when told, and requests to ask about. */
import { createQueue } from '../../../lib/hold/queue.ts'
import type { Queue, QueueLimits, QueueOptions } from '../../../lib/hold/queue.ts'
import type { DeskEvent } from '../../../lib/model/desk.ts'
import type { Answer, Asking, Door, Held, Pending, WaitEnd } from '../../../lib/model/hold.ts'
import type { CanonicalHost, RequestFacts, StreamFacts } from '../../../lib/model/request.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import type { FakeClock } from '../../helpers/fake-clock.ts'

export const HOLD_MS = 240_000
export const REMEMBER_MS = 600_000

export interface Bench {
  readonly queue: Queue
  readonly clock: FakeClock
  readonly events: DeskEvent[]
  /** Ids of the questions, in the order they were asked. */
  readonly asked: string[]
  names(): string[]
}

export function bench(options: Partial<Omit<QueueOptions, 'limits' | 'clock'>> & { readonly limits?: Partial<QueueLimits>, readonly clock?: FakeClock } = {}): Bench {
  const clock = options.clock ?? fakeClock()
  const events: DeskEvent[] = []
  const asked: string[] = []
  let ids = 0
  const { limits, onEvent, ...rest } = options
  const queue = createQueue({
    newId: () => `id${++ids}`,
    doors: () => [],
    hasStandingDoor: () => true,
    describe: question => ({ ...question, shown: `${question.id}.1` }) as unknown as Held,
    grant: async () => ({ kind: 'granted', grant: 'grant1', persisted: false }),
    shown: id => `${id}.1`,
    noteOnce: () => {},
    parseAnswer,
    ...rest,
    clock,
    limits: { waiters: 1_000, questionsPerHost: 100, waitersPerClient: 250, holdMs: HOLD_MS, rememberMs: REMEMBER_MS, questions: 1_000, ...limits },
    onEvent(event) {
      events.push(event)
      if (event.event === 'asked') asked.push(event.held.id)
      onEvent?.(event)
    },
  })
  return {
    queue, clock, events, asked,
    names: () => events.map(event => event.event),
  }
}

/** As strict as a test needs: an answer has a verdict that is one. */
export function parseAnswer(value: unknown): ReturnType<QueueOptions['parseAnswer']> {
  const verdict = typeof value === 'object' && value !== null && 'verdict' in value ? value.verdict : null
  return verdict === 'approve' || verdict === 'deny' || verdict === 'pass'
    ? { kind: 'answer', answer: value as Answer }
    : { kind: 'refused', problems: ['that is no answer'] }
}

export function request(over: Partial<Omit<RequestFacts, 'host'>> & { readonly host?: string } = {}): RequestFacts {
  const { host = 'api.example.com', method = 'GET', target = '/v1/items', ...rest } = over
  const [path = '/', query = null] = target.split('?', 2)
  return {
    kind: 'request', client: 'agent', scheme: 'https', host: host as CanonicalHost, hostKind: 'name', port: 443,
    method, methods: [method], target, path, query, readings: [path], fields: [], hasContent: false, contentLength: 0,
    ...rest,
  }
}

export function stream(over: Partial<Omit<StreamFacts, 'host'>> & { readonly host?: string } = {}): StreamFacts {
  const { host = 'db.example.com', ...rest } = over
  return { kind: 'stream', client: 'agent', scheme: 'tcp', host: host as CanonicalHost, hostKind: 'name', port: 5432, ...rest }
}

let flows = 0
export function asking(over: Parameters<typeof request>[0] = {}, answers: string | null = null): Asking {
  return { flow: `flow${++flows}`, facts: request(over), answers, note: null, asker: null }
}

export function askingStream(over: Parameters<typeof stream>[0] = {}): Asking {
  return { flow: `flow${++flows}`, facts: stream(over), answers: null, note: null, asker: null }
}

export const KNOWN = { clientIsKnown: true }
export const UNKNOWN = { clientIsKnown: false }

/** A door that answers when the test says so. */
export interface TestDoor extends Door {
  readonly asked: Pending[]
  readonly signals: AbortSignal[]
  say(value: unknown): void
  fail(error: unknown): void
}

export function door(name = 'door'): TestDoor {
  const asked: Pending[] = []
  const signals: AbortSignal[] = []
  let say: (value: unknown) => void = () => {}
  let fail: (error: unknown) => void = () => {}
  return {
    name, asked, signals,
    ask(held, { signal }) {
      asked.push(held)
      signals.push(signal)
      return new Promise<Answer>((resolve, reject) => {
        say = value => resolve(value as Answer)
        fail = reject
      })
    },
    say: value => say(value),
    fail: error => fail(error),
  }
}

/** Lets everything happen that is to happen in this turn, and says how a wait ended; null: it did not. */
export async function endOf(wait: { readonly ended: Promise<WaitEnd> }): Promise<WaitEnd | null> {
  await settled()
  return Promise.race([wait.ended, Promise.resolve(null)])
}

/** Every microtask that is due has run. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
