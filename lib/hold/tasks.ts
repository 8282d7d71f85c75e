/**
 * What agents ask for beforehand: rules for a whole task, decided before any request that needs them.
 *
 * No request waits here, so nothing is released: an approval becomes grants, and whatever is sent later is judged by
 * those. Every task ends, by an answer, an hour in which nobody asked for it, or shutdown; every map is bounded. A task
 * is known to the client that asked, and to no other.
 */
import type { Timer } from '../model/clock.ts'
import type { AnswerResult, DeskEvent } from '../model/desk.ts'
import type { Decided } from '../model/grants.ts'
import type { Approve, Grant, HeldTask, Refuse, TaskGrant } from '../model/hold.ts'
import type { RuleShape } from '../model/policy.ts'
import { createAgenda } from './agenda.ts'
import { createAnswering } from './answering.ts'
import type { Answerable } from './answering.ts'
import { decidedBy, scopeOf } from './decided.ts'
import { isSettled, nextQuestion } from './hold.ts'
import type { QuestionEvent } from './hold.ts'
import type { AskedTask, TaskOptions, TaskState, Tasks } from './task.ts'

interface Task extends Answerable, AskedTask {
  /** Of the same client and rules, in whatever order. */
  readonly key: string
  readonly firstSeen: number
  readonly waiters: Set<() => void>
  /** Ends it while it is open, forgets it afterwards. */
  timer: Timer
  due: number
  operatorReason: string | null
  granted: readonly RuleShape[]
  grantedUntil: number | null
  made: readonly Pick<Grant, 'id' | 'rule'>[]
}

export function createTasks(options: TaskOptions): Tasks {
  const { clock, limits } = options
  const agenda = createAgenda(clock)
  /** Insertion order is age. */
  const tasks = new Map<string, Task>()
  let isClosed = false

  const answering = createAnswering<Task>({
    parseAnswer: options.parseAnswer,
    tell,
    deny(task, answer, door) {
      const { reason = null, ttlMs } = answer
      task.operatorReason = reason
      const released = over(task, 'deny', answer, door, ttlMs)
      say(answer, { question: task.id, door, scope: ttlMs === undefined ? 'once' : 'ttl', grant: null, ttlMs: ttlMs ?? null, reason })
      return { kind: 'accepted', released, grant: null, persisted: false }
    },
    approve: (_, answer) => isForTask(answer) ? null : NO_REQUEST,
    async makeGrant(task, answer, door) {
      if (!isForTask(answer)) return NO_REQUEST
      const outcome = await options.grant(task, answer, door)
      if (outcome.kind === 'granted') task.made = outcome.made
      return outcome
    },
    granted(task, answer, door) {
      if (!isForTask(answer)) return 0
      const { rules, ttlMs = null, maxUses = null } = answer.grant
      task.granted = rules === 'asked' ? task.rules.map(({ rule }) => rule) : rules
      task.grantedUntil = ttlMs === null ? null : clock.now() + ttlMs
      const released = over(task, 'approve', answer, door)
      for (const { id, rule } of task.made) say(answer, { question: task.id, door, scope: scopeOf(answer.grant), grant: id, rule, ttlMs, maxUses })
      return released
    },
    resume: giveUpIfHopeless,
    describe,
    shown: options.shown,
  })

  function ask(asked: AskedTask): ReturnType<Tasks['ask']> {
    const key = keyOf(asked)
    const known = [...tasks.values()].find(task => task.key === key && (!isSettled(task.state) || task.state === 'denied'))
    if (known !== undefined) {
      renew(known)
      return { kind: 'known', task: told(known) }
    }
    if (isClosed || countOpen(asked.client) >= limits.perClient || !hasRoom()) return { kind: 'full' }
    const doors = [...options.doors()]
    const task: Task = {
      ...asked, key, id: options.newId(), state: 'open', firstSeen: clock.now(), controller: new AbortController(), openDoors: doors.length, granting: null,
      waiters: new Set(), timer: NO_TIMER, due: 0, operatorReason: null, granted: [], grantedUntil: null, made: [],
    }
    renew(task)
    const held = describe(task)
    tasks.set(task.id, task)
    tell(() => ({ event: 'asked', held }))
    answering.ask(task, doors, held)
    giveUpIfHopeless(task)
    return { kind: 'asked', task: told(task) }
  }

  function countOpen(client: string): number {
    let open = 0
    for (const task of tasks.values()) if (task.client === client && !isSettled(task.state)) open++
    return open
  }

  /** Forgetting one that is over makes room. */
  function hasRoom(): boolean {
    if (tasks.size < limits.tasks) return true
    const oldest = [...tasks.values()].find(({ state }) => isSettled(state))
    if (oldest === undefined) return false
    forget(oldest)
    return true
  }

  /** Somebody is interested: it is asked for as long again. What is over stays known as long as it would have been. */
  function renew(task: Task): void {
    if (isSettled(task.state)) return
    task.timer.cancel()
    task.due = clock.now() + limits.keepMs
    task.timer = agenda.after(limits.keepMs, () => { if (task.waiters.size > 0) renew(task); else settle(task, 'expire', null, null) })
  }

  function giveUpIfHopeless(task: Task): void {
    if (task.openDoors === 0 && !options.hasStandingDoor()) settle(task, 'give-up', null, null)
  }

  /** @returns how many waited for it */
  function over(task: Task, event: 'deny' | 'approve', { by = null }: { readonly by?: string | null }, door: string, keepMs?: number): number {
    const released = task.waiters.size
    settle(task, event, by, door, keepMs)
    return released
  }

  function say(answer: Approve | Refuse, part: Parameters<typeof decidedBy>[1]): void {
    const decided: Decided = decidedBy(answer, part, clock.now())
    tell(() => ({ event: 'decided', decided }))
  }

  function settle(task: Task, event: QuestionEvent, by: string | null, door: string | null, keepMs: number = limits.keepMs): void {
    if (isSettled(task.state)) return
    const state = nextQuestion(task.state, event)
    task.state = state
    if (!isSettled(state)) return
    task.timer.cancel()
    task.timer = agenda.after(keepMs, () => forget(task))
    for (const end of [...task.waiters]) end()
    task.granting?.open()
    task.controller.abort()
    tell(() => ({ event: 'settled', id: task.id, how: state, by, door }))
  }

  function forget(task: Task): void {
    task.timer.cancel()
    tasks.delete(task.id)
  }

  function find(client: string, id: string): Task | null {
    const task = tasks.get(id)
    return task === undefined || task.client !== client ? null : task
  }

  function wait(client: string, id: string, ms: number): ReturnType<Tasks['wait']> {
    const task = find(client, id)
    if (task === null) return null
    renew(task)
    if (isSettled(task.state) || ms <= 0 || isClosed) return { ended: Promise.resolve(told(task)), leave: () => {} }
    let end = (): void => {}
    const ended = new Promise<TaskState>(resolve => {
      end = () => {
        if (!task.waiters.delete(end)) return
        timer.cancel()
        renew(task)
        tellChanged(task)
        resolve(told(task))
      }
    })
    const timer = agenda.after(ms, () => end())
    task.waiters.add(end)
    tellChanged(task)
    return { ended, leave: () => end() }
  }

  /** The number of those who wait is another. */
  function tellChanged(task: Task): void {
    if (!isSettled(task.state)) tell(() => ({ event: 'changed', held: describe(task) }))
  }

  function describe({ client, flow, reason, rules, id, waiters, firstSeen, due }: Task): HeldTask {
    return options.describe({ client, flow, reason, rules, id, waiting: waiters.size, firstSeen, deadline: due })
  }

  /** Whatever a listener throws ends here: nobody who listens may keep a wait from ending (I7). */
  function tell(event: () => DeskEvent): void {
    try {
      options.onEvent(event())
    } catch {
      // Nothing can be done for a listener that fails; no ruling depends on it.
    }
  }

  return {
    ask,
    wait,
    look(client, id) {
      const task = find(client, id)
      if (task === null) return null
      renew(task)
      return told(task)
    },
    has: id => tasks.has(id),
    async answer(id, value, door) {
      const task = tasks.get(id)
      return task === undefined || isSettled(task.state) ? { kind: 'unknown' } : answering.answer(task, value, door)
    },
    pending: () => [...tasks.values()].filter(({ state }) => !isSettled(state)).map(describe),
    get size() { return [...tasks.values()].filter(({ state }) => !isSettled(state)).length },
    close() {
      isClosed = true
      for (const task of tasks.values()) settle(task, 'shut-down', null, null)
      agenda.clear()
    },
  }
}

const NO_TIMER: Timer = { cancel() {} }

const NO_REQUEST = { kind: 'refused', problems: ['the question is about a whole task: "rules" answers it, not "once" or a "rule"'] } as const

function isForTask(answer: Approve): answer is Approve & { grant: TaskGrant } {
  return typeof answer.grant === 'object' && 'rules' in answer.grant
}

function told({ id, state, operatorReason, granted, grantedUntil }: Task): TaskState {
  return { id, state: state === 'granting' || state === 'released' ? 'open' : state, operatorReason, granted, grantedUntil }
}

/** The same for the same rules, however their properties and they themselves are ordered. */
function keyOf({ client, rules }: AskedTask): string {
  return JSON.stringify([client, ...rules.map(({ rule }) => JSON.stringify(Object.entries(rule).sort(([a], [b]) => a < b ? -1 : 1))).sort()])
}
