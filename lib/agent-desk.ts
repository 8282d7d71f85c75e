/**
 * The agent's side of the desk: what its address may know of the policy in force, and how what it asks becomes a question.
 */
import { describeAllowed } from './agent/allowed.ts'
import { createDenials } from './agent/denials.ts'
import type { Denials } from './agent/denials.ts'
import { createAgentApi } from './agent/serve.ts'
import type { Asked, Served } from './agent/serve.ts'
import { isUsedUp } from './budgets.ts'
import { parseTask } from './config/load.ts'
import { formatProblem } from './config/problems.ts'
import type { OpenDesk } from './desk.ts'
import type { Clock } from './model/clock.ts'
import type { Arrival } from './model/flow.ts'
import type { RuleShape } from './model/policy.ts'
import { CLOSED_NAMES, askRule } from './task.ts'

export interface AgentDeskOptions {
  readonly clock: Clock
  /** Off: nothing is served, and refusals say nothing of it. */
  readonly isOn: boolean
  readonly desk: Pick<OpenDesk, 'inForce' | 'tasks' | 'budgets' | 'given'>
  readonly holdMs: number
}

export interface AgentDesk {
  readonly isOn: boolean
  /** null for what is no HTTP request, and where it is off. */
  serve(arrival: Arrival): Promise<Served> | null
  readonly denials: Denials
}

export function openAgentDesk({ clock, isOn, desk, holdMs }: AgentDeskOptions): AgentDesk {
  const denials = createDenials(clock)
  const serve = createAgentApi({
    clock,
    allowed: () => describeAllowed(rulesInForce(), desk.inForce.ruleset.unmatched, holdMs),
    denials: denials.of,
    ask,
    look: desk.tasks.look,
    wait: desk.tasks.wait,
  })

  /** Grants first: they are what was asked for. */
  function rulesInForce(): readonly RuleShape[] {
    const now = clock.now()
    const over = new Set(desk.budgets.list().filter(isUsedUp).map(({ kind, id }) => `${kind} ${id}`))
    const rules = [...desk.inForce.ruleset.compiled.values()]
      .filter(({ action, expiresAt, id }) => action === 'allow' && now < expiresAt && !over.has(`rule ${id}`))
    const granted = desk.given.live(now)
      .filter(({ rule: { expires }, id }) => (expires === undefined || now < Date.parse(expires)) && !over.has(`grant ${id}`))
    return [...unique(granted.map(({ rule }) => rule)), ...rules.map(({ document }) => document)]
  }

  function ask(client: string, flow: string, value: unknown): Asked {
    const parsed = parseTask(value, CLOSED_NAMES)
    if (parsed.kind === 'refused') return { kind: 'refused', problems: parsed.problems.map(problem => formatProblem(problem, 'request')) }
    const { ruleset } = desk.inForce
    const rules = parsed.rules.map(rule => askRule(ruleset, rule, clock.now()))
    const shut = ruleset.unmatched === 'deny' ? rules.flatMap(({ answers }, at) => answers.length === 0 ? [at] : []) : []
    if (shut.length === rules.length) return { kind: 'closed' }
    if (shut.length > 0) return { kind: 'refused', problems: shut.map(at => `request#/rules/${at}: The policy denies what this covers, and nobody is asked about it. Take it out.`) }
    const asked = desk.tasks.ask({ client, flow, reason: parsed.reason, rules })
    // Which hold rules it answers is for the operator.
    return asked.kind === 'full' ? asked : { ...asked, rules: rules.map(({ rule, says }) => ({ rule, says })) }
  }

  return {
    isOn,
    denials,
    serve: ({ flow, facts, window }) => isOn && window.kind === 'request' && facts.kind === 'facts' && facts.facts.kind === 'request' ? serve(flow, facts.facts, window) : null,
  }
}

/** One rule may answer several questions: it is one to whoever uses it. */
function unique(rules: readonly RuleShape[]): readonly RuleShape[] {
  return [...new Map(rules.map(rule => [JSON.stringify(rule), rule])).values()]
}
