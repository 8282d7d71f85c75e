/**
 * From the approval of a task to its grants: one for each rule and for each question that it answers.
 *
 * The promise (I11): nothing is granted that was not asked for and shown, hold rules included, and nothing that the policy
 * as it is now does not let anybody ask about.
 */
import { checkGrantRule, liesWithin } from './config/load.ts'
import { termsOf } from './decide/decide.ts'
import { rulesMet } from './decide/overlap.ts'
import type { Granting } from './granting.ts'
import { scopeOf } from './hold/decided.ts'
import type { AskedTask, TaskOutcome } from './hold/task.ts'
import type { Holder } from './in-force.ts'
import type { Clock } from './model/clock.ts'
import type { Approve, AskedRule, Grant, TaskGrant } from './model/hold.ts'
import type { RuleShape } from './model/policy.ts'

export interface TaskGrantingOptions {
  readonly clock: Clock
  readonly holder: Holder
  readonly granting: Pick<Granting, 'give' | 'write'>
  newId(): string
}

export type GrantTask = (task: AskedTask & { readonly id: string }, answer: Approve & { grant: TaskGrant }, door: string) => Promise<TaskOutcome>

export function createTaskGranting({ clock, holder, granting, newId }: TaskGrantingOptions): GrantTask {
  return async function grant(task, answer, door) {
    const { rules, persist, ttlMs, maxUses = null } = answer.grant
    const asked: AskedRule[] = []
    for (const [at, rule] of (rules === 'asked' ? task.rules : rules).entries()) {
      const narrow = rules === 'asked' ? rule as AskedRule : narrowed(rule as RuleShape, task.rules)
      if (narrow === null) return refused(`rule ${at + 1} does not lie within one of those that were asked for`)
      asked.push(narrow)
    }
    const now = clock.now()
    const make = (rule: RuleShape, answers: string | null): Grant => ({
      id: `grant-${newId()}`, question: task.id, answers, rule, terms: termsOf(holder.now.ruleset, answers),
      expiresAt: ttlMs === undefined ? null : now + ttlMs, maxUses, by: answer.by ?? null, door, createdAt: now,
    })
    if (persist === true) return write(asked, make)
    // One rule, however many questions it answers: its uses are counted together.
    const made = asked.flatMap(({ rule, answers }) => {
      const counter = `uses-${newId()}`
      return answered(answers).map(each => ({ ...make(rule, each), counter }))
    })
    const [first] = made
    if (first === undefined) return refused('the policy denies what no rule matches, and no hold rule asks about any of it')
    granting.give(made, scopeOf(answer.grant))
    return { kind: 'granted', grant: first.id, persisted: false, made }
  }

  async function write(asked: readonly AskedRule[], make: (rule: RuleShape, answers: null) => Grant): Promise<TaskOutcome> {
    const asking = asked.flatMap(({ answers }) => answers)[0]
    if (asking !== undefined) return refused(`an allow rule of the policy never answers the hold rule "${asking}": grant the rules for a time instead`)
    const made = asked.map(({ rule }) => make(rule, null))
    const problems = await granting.write(made)
    return problems === null ? { kind: 'granted', grant: made[0]!.id, persisted: true, made } : { kind: 'refused', problems }
  }

  /** The hold rules that were shown and are still there; null is the absence of any rule, where the policy lets that be asked about. */
  function answered(shown: readonly string[]): readonly (string | null)[] {
    const { ruleset } = holder.now
    const holding = shown.filter(id => ruleset.compiled.get(id)?.action === 'hold')
    return ruleset.unmatched === 'deny' ? holding : [null, ...holding]
  }

  function narrowed(rule: RuleShape, asked: readonly AskedRule[]): AskedRule | null {
    if (checkGrantRule(rule).kind === 'refused') return null
    const within = asked.find(wide => liesWithin(rule, wide.rule))
    if (within === undefined) return null
    const met = rulesMet(holder.now.ruleset, rule, 'hold', clock.now())
    return { rule, says: within.says, answers: within.answers.filter(id => met.includes(id)) }
  }
}

function refused(problem: string): Extract<TaskOutcome, { kind: 'refused' }> {
  return { kind: 'refused', problems: [problem] }
}
