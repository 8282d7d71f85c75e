/**
 * The firewalls: listened to, asked, and answered. What they say becomes events; effects become requests.
 *
 * A firewall that stops answering loses its questions here and is asked again; nothing is approved by it or for it meanwhile.
 */
import { connectControl, type ControlClient } from '../control/client.ts'
import { findControls, type Environment } from '../control/paths.ts'
import type { AuditRecord } from '../model/audit.ts'
import type { Clock } from '../model/clock.ts'
import type { FlowQuery } from '../model/desk.ts'
import { isOperatorError } from '../model/errors.ts'
import type { Effect, Event, Replied } from './state.ts'

/** Between two looks for firewalls, and between two tries to reach one. */
const LOOK_MS = 2_000
/** Records of one search. */
const FOUND = 200

export type FirewallEffect = Exclude<Effect, { kind: 'quit' | 'bell' }>

export interface Feed {
  perform(effect: FirewallEffect): void
  close(): void
}

export interface FeedOptions {
  /** Sockets; null: whatever runs. */
  readonly controls: readonly string[] | null
  readonly env: Environment
  readonly clock: Clock
  readonly dispatch: (event: Event) => void
}

export function openFeed({ controls, env, clock, dispatch }: FeedOptions): Feed {
  const clients = new Map<string, ControlClient>()
  const stop = new AbortController()

  async function attend(path: string): Promise<void> {
    const client = connectControl(path)
    clients.set(path, client)
    dispatch({ kind: 'found', path })
    while (!stop.signal.aborted) {
      let problem = 'it has stopped'
      try {
        dispatch({ kind: 'opened', path, status: await client.status() })
        for await (const event of client.events(stop.signal, { flows: true })) dispatch({ kind: 'told', path, event })
      } catch (error) {
        problem = wordsOf(error)
      }
      if (stop.signal.aborted) return
      dispatch({ kind: 'closed', path, problem })
      // One that was found is found again when it comes back.
      if (controls === null) break
      await pause(LOOK_MS)
    }
    clients.delete(path)
    dispatch({ kind: 'removed', path })
  }

  async function look(): Promise<void> {
    try {
      for (const path of await findControls(env)) if (!clients.has(path) && !stop.signal.aborted) void attend(path)
    } catch (error) {
      dispatch({ kind: 'failed', path: null, problem: wordsOf(error) })
    }
  }

  const pause = (ms: number): Promise<void> => new Promise(done => { clock.after(ms, done) })

  /** What is asked of each; one that does not answer says so in its link. */
  const each = (ask: (path: string, client: ControlClient) => Promise<Event>): void => {
    for (const [path, client] of clients) ask(path, client).then(dispatch, () => {})
  }

  const looking = controls === null ? clock.every(LOOK_MS, () => { void look() }) : null
  if (controls === null) void look()
  else for (const path of new Set(controls)) void attend(path)

  return {
    perform(effect) {
      switch (effect.kind) {
        case 'answer': return void answer(clients.get(effect.path), effect).then(reply => dispatch({ kind: 'replied', path: effect.path, questions: effect.questions.map(({ id }) => id), answer: effect.answer, reply }))
        case 'undo': return void undo(clients.get(effect.path), effect).then(dispatch)
        case 'search': return each(async (path, client) => ({ kind: 'searched', path, records: await search(client, { limit: FOUND, ...effect.query }) }))
        case 'fetch': return fetch(effect.what)
        default: return effect satisfies never
      }
    },
    close() {
      looking?.cancel()
      stop.abort()
    },
  }

  function fetch(what: 'status' | 'grants' | 'rules'): void {
    switch (what) {
      case 'status': return each(async (path, client) => ({ kind: 'opened', path, status: await client.status() }))
      case 'grants': return each(async (path, client) => ({ kind: 'grants', path, grants: await client.grants() }))
      case 'rules': return each(async (path, client) => ({ kind: 'rules', path, rules: await client.rules() }))
      default: return what satisfies never
    }
  }
}

const GONE = 'That firewall does not answer any more.'

async function answer(client: ControlClient | undefined, { questions, answer }: Extract<Effect, { kind: 'answer' }>): Promise<Replied> {
  const [first, ...more] = questions
  if (client === undefined || first === undefined) return { kind: 'failed', problem: GONE }
  try {
    if (more.length > 0) return await client.answerAll(questions, answer)
    const { released, grant, persisted } = await client.answer(first.id, answer)
    return { kind: 'accepted', released, grants: grant === null ? [] : [grant], persisted, left: [] }
  } catch (error) {
    return { kind: 'failed', problem: wordsOf(error) }
  }
}

async function undo(client: ControlClient | undefined, { path, grant, by }: Extract<Effect, { kind: 'undo' }>): Promise<Event> {
  try {
    return { kind: 'taken-back', path, grant, reply: client === undefined ? { kind: 'failed', problem: GONE } : await client.undo(grant, by ?? undefined) }
  } catch (error) {
    return { kind: 'taken-back', path, grant, reply: { kind: 'failed', problem: wordsOf(error) } }
  }
}

const wordsOf = (error: unknown): string => isOperatorError(error) || error instanceof Error ? error.message : String(error)

/** In the log's files, where there are any: they have what was before the firewall started too. */
async function search(client: ControlClient, query: FlowQuery): Promise<readonly AuditRecord[]> {
  return (await client.log(query))?.flows ?? client.flows(query)
}
