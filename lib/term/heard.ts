/** What a firewall tells: questions that come and go, decisions of others, traffic. Pure. */
import type { AuditRecord } from '../model/audit.ts'
import type { DeskEvent } from '../model/desk.ts'
import type { Pending } from '../model/hold.ts'
import { recordKey } from './lists.ts'
import { keyOf, rowAt } from './questions.ts'
import { say, step, type Effect, type From, type State, type Step } from './state.ts'
import { count } from './words.ts'

/** Lines of traffic that are kept. */
const MAX_TRAFFIC = 500

export function hear(state: State, path: string, event: DeskEvent): Step {
  switch (event.event) {
    case 'asked': return asked(state, path, event.held)
    case 'changed': return step({ ...state, told: state.told + 1, questions: state.questions.map(question => question.path === path && question.held.id === event.held.id ? { path, held: event.held, told: state.told } : question) })
    case 'settled': return step(settled(state, path, event))
    case 'decided': return step(state, ...fetches(state))
    case 'undone': {
      const left = state.undoable.filter(each => each.path !== path || each.grant !== event.id)
      // What this terminal took back is told by the reply.
      return step(left.length === state.undoable.length ? state : say({ ...state, undoable: left }, `Grant ${event.id} was taken back${byWhom(event)}: ${count(event.closed, 'live connection')} closed.`, 'warn'), ...fetches(state))
    }
    case 'door-failed': return step(say(state, `The approval hook ${event.door} failed: ${event.problem}`, 'warn'))
    case 'policy': return step(event.problem === null ? say(state, `The policy ${event.name ?? ''} is now generation ${event.generation}.`.replace('  ', ' ')) : say(state, `The policy was not loaded, the last good one stays: ${event.problem}`, 'bad'), { kind: 'fetch', what: 'status' }, ...fetches(state))
    case 'notice': return step(say(state, event.says, 'warn'))
    case 'flows': return step({ ...state, skipped: state.skipped + event.skipped, traffic: withRecords(state.traffic, path, event.records) })
    default:
      event satisfies never
      // A newer firewall may have events that this program does not know.
      return step(state)
  }
}

function asked(state: State, path: string, held: Pending): Step {
  const question = { path, held, told: state.told }
  const told = state.told + 1
  if (state.questions.some(each => each.path === path && each.held.id === held.id)) {
    return step({ ...state, told, questions: state.questions.map(each => each.path === path && each.held.id === held.id ? question : each) })
  }
  const bell: Effect[] = state.questions.length === 0 ? [{ kind: 'bell' }] : []
  return step({ ...state, told, questions: [...state.questions, question] }, ...bell)
}

type Settled = Extract<DeskEvent, { event: 'settled' }>

function settled(state: State, path: string, event: Settled): State {
  const gone = state.questions.find(question => question.path === path && question.held.id === event.id)
  if (gone === undefined) return state
  const left = { ...state, questions: state.questions.filter(question => question !== gone) }
  // Of one's own answer the reply tells more, and of what stands elsewhere in the list nothing has to be said.
  const isUnderCursor = rowAt(state)?.members[0] === gone
  return isUnderCursor && !state.sending.includes(keyOf(path, event.id)) ? say(left, `${gone.held.kind === 'task' ? 'A task' : `${gone.held.display.method} ${gone.held.display.host}`}: ${HOW[event.how]}${byWhom(event)}.`, 'warn') : left
}

const HOW: Readonly<Record<Settled['how'], string>> = {
  approved: 'approved',
  denied: 'rejected',
  expired: 'nobody waits for it any more',
  released: 'settled by another answer or a new policy',
  unavailable: 'nobody was left to ask',
  shutdown: 'the firewall stops',
}

function byWhom({ by, door }: { readonly by: string | null, readonly door: string | null }): string {
  if (by !== null) return ` by ${by}`
  return door === null ? '' : ` at ${door}`
}

/** The newest first; of a flow the latest word, in the place of the first. */
function withRecords(before: readonly From<AuditRecord>[], path: string, records: readonly AuditRecord[]): readonly From<AuditRecord>[] {
  const fresh = new Map<string, From<AuditRecord>>()
  for (const value of records) fresh.set(recordKey(path, value), { path, value })
  const older = before.map(each => {
    const key = recordKey(each.path, each.value)
    const later = fresh.get(key)
    fresh.delete(key)
    return later ?? each
  })
  return [...[...fresh.values()].reverse(), ...older].slice(0, MAX_TRAFFIC)
}

const fetches = ({ pane }: State): readonly Effect[] => pane === 'grants' || pane === 'rules' ? [{ kind: 'fetch', what: pane }] : []
