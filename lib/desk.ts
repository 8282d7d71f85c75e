/**
 * The operator's desk: the policy in force, the questions that are open, and what an answer changes.
 *
 * Everything that can change a ruling while the firewall runs goes through here, in one turn each:
 * a reload, an answer, the end of a rule or a grant. After each the waiters and the live streams are
 * judged again.
 */
import type { Recent } from './audit/recent.ts'
import { searchLog } from './audit/search.ts'
import { createAskedBefore } from './asked-before.ts'
import { createBudgets } from './budgets.ts'
import type { Budgets } from './budgets.ts'
import { parseAnswer } from './config/load.ts'
import { createContacts } from './contacts.ts'
import { usedUp } from './decide/budgets.ts'
import { decide } from './decide/decide.ts'
import { nearest } from './decide/explain.ts'
import { registrableDomain } from './decide/patterns.ts'
import { createTaskGranting } from './granting-task.ts'
import { createGranting, sentences } from './granting.ts'
import { createGrouping } from './grouping.ts'
import { createHits } from './hits.ts'
import type { Hits } from './hits.ts'
import type { Parsed } from './hold/answering.ts'
import { createGrantStore } from './hold/grants.ts'
import type { GrantStore } from './hold/grants.ts'
import { createQueue } from './hold/queue.ts'
import type { Queue } from './hold/queue.ts'
import type { Tasks } from './hold/task.ts'
import { createTasks } from './hold/tasks.ts'
import { answerTogether } from './hold/together.ts'
import { createHolder } from './in-force.ts'
import type { InForce, SoundPolicy } from './in-force.ts'
import { riskNotes, suggestRules } from './learn/suggest.ts'
import type { Limits } from './limits.ts'
import { createLiveStreams } from './live.ts'
import type { LiveStreams } from './live.ts'
import type { Clock } from './model/clock.ts'
import type { Allow, Decision } from './model/decision.ts'
import type { AnswerResult, Desk, DeskEvent } from './model/desk.ts'
import type { RulesInForce } from './model/grants.ts'
import type { Answer, Asking, Door, Held, OnceToken, Pending, WaitEnd } from './model/hold.ts'
import type { PolicyDocument } from './model/policy.ts'
import type { Facts } from './model/request.ts'
import { describeQuestion } from './question.ts'
import { readPolicy } from './read-policy.ts'
import { createRedirects } from './redirects.ts'
import type { Redirects } from './redirects.ts'
import { describeTask } from './task.ts'

export interface DeskOptions {
  readonly clock: Clock
  readonly limits: Limits
  readonly policy: SoundPolicy
  readonly doors: readonly Door[]
  readonly flows: Recent
  /** File that the audit log is written to; null: none. */
  readonly log: string | null
  /** Somebody may answer although no door asks. */
  hasStandingDoor(): boolean
  newId(): string
  /** Names of tokens: clients that are told apart. */
  isKnown(client: string): boolean
}

export interface OpenDesk extends Omit<Desk, 'status'> {
  readonly inForce: InForce
  readonly live: LiveStreams
  /** Of rules and grants. */
  readonly hits: Hits
  readonly queue: Queue['counts'] & { readonly grants: number }
  /** Where answers sent their clients on to. */
  readonly redirects: Redirects
  /** What agents ask for beforehand. */
  readonly tasks: Tasks
  /** What approvals opened, and how often each was used. */
  readonly given: Pick<GrantStore, 'live'>
  readonly budgets: Pick<Budgets, 'list' | 'meterOf'>
  /** What kept the last reload from taking effect; null when it did. */
  readonly problem: string | null
  decide(facts: Facts, once: OnceToken | null): Decision
  take(allow: Allow): void
  hold(asking: Asking, remainingMs: number): { readonly ended: Promise<WaitEnd>, waiters(): number, leave(): void }
  /** @throws OperatorError E_POLICY_INVALID or E_POLICY_UNREADABLE; the last good policy stays in force */
  reload(policy?: string | PolicyDocument): Promise<void>
  say(event: DeskEvent): void
  close(): void
}

/** Twenty open ones of a client are more than it can have begun; an hour is for an operator who is at lunch. */
const TASK_LIMITS = { perClient: 20, tasks: 1_000, keepMs: 3_600_000 }
const MAX_GRANTS = 10_000
/** Questions about one host among which a group is looked for, at every arrival anew; the limit by default is 100. */
const MAX_GROUPED = 250
export const OBSERVES = 'observing: what no rule matches passes unasked, marked wouldHold'

export function openDesk(options: DeskOptions): OpenDesk {
  const { clock, limits } = options
  const grants = createGrantStore({ clock, max: MAX_GRANTS })
  const live = createLiveStreams(mayGoOn)
  const listeners = new Set<(event: DeskEvent) => void>()
  const contacts = createContacts()
  const before = createAskedBefore()
  const grouping = createGrouping()
  const redirects = createRedirects(clock)
  const hits = createHits(clock)
  /** How often the operator has changed the policy: what answers are bound to. What an answer itself adds was shown to somebody. */
  let edition = 1
  /** Streams closed so far because nothing allowed them any more. */
  let closed = 0
  let problem: string | null = null

  const holder = createHolder(options.policy, grants, clock, recheck)
  const budgets = createBudgets({ clock, grants, inForce: () => holder.now, isWaiting: () => queue.counts.waiting > 0, recheck })
  const queue = createQueue({
    clock,
    newId: options.newId,
    limits: {
      waiters: limits.waiters,
      questions: limits.waiters * 2,
      questionsPerHost: limits.questionsPerHost,
      waitersPerClient: limits.waitersPerClient,
      holdMs: limits.holdMs,
      rememberMs: limits.rememberMs,
    },
    doors: () => options.doors,
    hasStandingDoor: options.hasStandingDoor,
    describe,
    grant: (...asked) => granting.make(...asked),
    shown,
    noteOnce: once => granting.noteOnce(once),
    parseAnswer: readAnswer,
    onEvent: say,
  })
  const granting = createGranting({
    clock, holder, grants, hits,
    newId: options.newId,
    isKept: queue.isKept,
    takeBack: queue.takeBack,
    openStreams: live.byGrant,
    budgets: budgets.list,
    closeOnce: once => live.close(allow => allow.grant === once),
    closed: () => closed,
    written: () => say({ event: 'policy', name: holder.now.ruleset.name, generation: holder.now.generation, problem: null }),
  })

  const tasks = createTasks({
    clock,
    newId: options.newId,
    limits: TASK_LIMITS,
    doors: () => options.doors,
    hasStandingDoor: options.hasStandingDoor,
    describe: task => describeTask({ ...task, shown: shown(task.id) }, holder.now.ruleset, holder.now.generation, clock.now()),
    grant: createTaskGranting({ clock, holder, granting, newId: options.newId }),
    shown,
    parseAnswer: readAnswer,
    onEvent: say,
  })

  function shown(id: string): string {
    return `${id}.${edition}`
  }

  function judge(facts: Facts, once: OnceToken | null = null, { used, spent } = budgets.spending): Decision {
    const { ruleset, grants: granted } = holder.now
    return decide(ruleset, granted, facts, { now: clock.now(), used, spent, once })
  }

  function recheck(): void {
    const { spending, allowed } = budgets.inTurns()
    queue.recheck(asking => {
      const decision = judge(asking.facts, null, spending)
      allowed(decision)
      return decision.kind === 'hold' && decision.rule === asking.answers
    })
    closed += live.recheck()
  }

  /** A stream that was let through once may go on while the same question would still be asked. */
  function mayGoOn(facts: Facts, allow: Allow): boolean {
    const decision = judge(facts, null, budgets.spendingOf(allow))
    return decision.kind === 'allow' || (allow.isOnce && decision.kind === 'hold' && decision.rule === allow.rule)
  }

  function describe(question: { id: string, asking: Asking, waiting: number, firstSeen: number, deadline: number | null }): Held {
    const { ruleset, grants: granted, generation } = holder.now
    const { facts, answers } = question.asking
    const context = { now: clock.now(), ...budgets.spending }
    const open = queue.countAbout(facts.host) > MAX_GROUPED ? [] : queue.openAbout(facts.host)
    const registrable = registrableDomain(facts.host)
    return describeQuestion({
      ...question,
      shown: shown(question.id),
      registrable,
      policy: { name: ruleset.name, generation },
      nearest: nearest(ruleset, facts, context),
      suggestions: before.offer(suggestRules(facts), facts),
      group: grouping.groupOf({ id: question.id, facts, answers, waiting: question.waiting }, open),
      risks: riskNotes(facts, { registrable, knowsDomain: contacts.has, redirectedBy: redirects.origin(facts), usedUp: usedUp(ruleset, granted, facts, context) }),
    })
  }

  async function reload(policy?: string | PolicyDocument): Promise<void> {
    const source = policy ?? holder.now.loaded.file ?? holder.now.loaded.source
    try {
      const loaded = await readPolicy(source, clock)
      problem = null
      if (loaded.hash !== holder.now.loaded.hash) edition++
      holder.replacePolicy(loaded)
      say({ event: 'policy', name: loaded.document.name ?? null, generation: holder.now.generation, problem: null })
      if (loaded.document.unmatched === 'observe') say({ event: 'notice', says: OBSERVES })
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
      say({ event: 'policy', name: holder.now.ruleset.name, generation: holder.now.generation, problem })
      throw error
    }
  }

  function rules(): RulesInForce {
    const { ruleset, generation } = holder.now
    const told = new Map(budgets.list().flatMap(({ kind, id, ...budget }) => kind === 'rule' ? [[id, budget]] : []))
    return {
      rules: Array.from(ruleset.compiled.values(), ({ id, document }) => ({ rule: document, ...hits.of(id), budget: told.get(id) ?? null })),
      unmatched: { action: ruleset.unmatched, ...hits.of(null) },
      generation,
    }
  }

  function pending(): readonly Pending[] {
    grouping.renew()
    const asked = tasks.pending()
    return asked.length === 0 ? queue.pending() : [...queue.pending(), ...asked].sort((a, b) => a.firstSeen < b.firstSeen ? -1 : a.firstSeen > b.firstSeen ? 1 : 0)
  }

  function answer(id: string, given: Answer, door: string): Promise<AnswerResult> {
    return tasks.has(id) ? tasks.answer(id, given, door) : queue.answer(id, given, door)
  }

  function say(event: DeskEvent): void {
    for (const listener of listeners) listener(event)
  }

  return {
    get inForce() { return holder.now },
    get problem() { return problem },
    get queue() { return { ...queue.counts, questions: queue.counts.questions + tasks.size, grants: grants.live(clock.now()).length } },
    live,
    redirects,
    tasks,
    given: grants,
    budgets,
    decide: judge,
    take(allow) {
      if (allow.useKeys.length > 0) budgets.take(allow)
      const { host } = allow.permit.facts
      contacts.note(host)
    },
    hold(asking, remainingMs) {
      const wait = queue.wait(asking, { clientIsKnown: options.isKnown(asking.facts.client), remainingMs })
      budgets.watch()
      before.note(asking.facts)
      void wait.ended.then(end => { if (end.kind === 'denied') before.deny(asking.facts) })
      return wait
    },
    pending,
    answer,
    answerAll: (questions, given, door) => answerTogether({ pending, answer }, questions, given, door),
    grants: granting.list,
    async undo(id, by, door) {
      const undone = await granting.undo(id)
      if (undone.kind === 'undone') say({ event: 'undone', id, closed: undone.closed, by, door })
      return undone
    },
    rules,
    flows: options.flows,
    searchLog: async (query, older) => options.log === null ? null : searchLog(options.log, query, older),
    hits,
    policy: () => ({ document: holder.now.loaded.document, hash: holder.now.loaded.hash, generation: holder.now.generation }),
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    reload,
    say,
    close() {
      holder.close()
      budgets.close()
      queue.close()
      tasks.close()
    },
  }
}

function readAnswer(value: unknown): Parsed {
  const parsed = parseAnswer(value)
  return parsed.kind === 'answer' ? parsed : { kind: 'refused', problems: sentences(parsed.problems) }
}
