/**
 * What approvals open: made from an answer, told while it lasts, taken back.
 *
 * The promise: a rule is granted only if it covers what was asked about and nothing in the policy keeps that shut (I11),
 * and what is taken back is closed before anybody is told so.
 */
import { appendRules, checkGrantRule, checkPolicy, removeRule, sameRule } from './config/load.ts'
import { formatProblem } from './config/problems.ts'
import type { Problem } from './config/problems.ts'
import { compileGrants, compileRuleset } from './decide/compile.ts'
import { decide, termsOf } from './decide/decide.ts'
import { isUsedUp } from './budgets.ts'
import type { Hits } from './hits.ts'
import type { GrantOutcome } from './hold/answering.ts'
import { scopeOf } from './hold/decided.ts'
import type { GrantStore } from './hold/grants.ts'
import type { OnceAnswer } from './hold/queue.ts'
import type { Holder } from './in-force.ts'
import { suggestRules } from './learn/suggest.ts'
import { UNSPENT } from './model/budget.ts'
import type { BudgetTold } from './model/budget.ts'
import type { Clock } from './model/clock.ts'
import type { Decision } from './model/decision.ts'
import type { BudgetLine } from './model/desk.ts'
import type { DecisionScope, Granted, Undone } from './model/grants.ts'
import type { Approve, Asking, Grant, GrantRequest } from './model/hold.ts'
import type { PolicyDocument, RuleDocument, RuleShape } from './model/policy.ts'
import type { Facts } from './model/request.ts'

export interface GrantingOptions {
  readonly clock: Clock
  readonly holder: Holder
  readonly grants: GrantStore
  readonly hits: Hits
  newId(): string
  /** An approval for one request waits for its client to come back. */
  isKept(once: string): boolean
  takeBack(once: string): boolean
  /** How many streams each grant keeps open. */
  openStreams(): ReadonlyMap<string, number>
  /** Of rules and grants in force. */
  budgets(): readonly BudgetLine[]
  /** Closes the streams of an approval for one request. @returns how many */
  closeOnce(once: string): number
  /** Streams that were closed because nothing allows them any more, so far. */
  closed(): number
  /** The policy file was changed by an answer. */
  written(): void
}

export interface Granting {
  make(question: { readonly id: string, readonly askings: readonly Asking[] }, answer: Approve & { grant: GrantRequest }, door: string): Promise<GrantOutcome>
  /** Puts grants in force: all in one turn. */
  give(made: readonly Grant[], scope: DecisionScope): void
  /** Adds rules to the policy file, one for each grant. @returns problems; null when they stand in the file and are in force */
  write(made: readonly Grant[]): Promise<readonly string[] | null>
  noteOnce(once: OnceAnswer): void
  /** The newest first. */
  list(): readonly Granted[]
  undo(id: string): Promise<Undone>
}

/** What is told of a grant beside its state. */
interface Given extends Pick<Granted, 'id' | 'question' | 'scope' | 'answers' | 'by' | 'door' | 'generation' | 'expiresAt' | 'maxUses' | 'createdAt'> {
  readonly rule: RuleShape
  /** Where `always` wrote it. */
  readonly file: string | null
}

interface Now {
  readonly live: ReadonlyMap<string, Grant>
  readonly streams: ReadonlyMap<string, number>
  /** By kind and id. */
  readonly budgets: ReadonlyMap<string, BudgetTold>
}

/** Grants whose beginning is remembered. One that is forgotten still holds, and ends with its time or the firewall. */
const MAX_GIVEN = 12_000

/** A budget that is too small for what was asked about does not cover it. */
const NEW = { used: () => 0, spent: () => UNSPENT }

export function createGranting(options: GrantingOptions): Granting {
  const { clock, holder, grants, hits } = options
  /** In the order they were given. */
  const given = new Map<string, Given>()

  function remember(grant: Pick<Grant, 'id' | 'question' | 'answers' | 'by' | 'door'>, scope: DecisionScope, rule: RuleShape, more: Partial<Given> = {}): void {
    if (given.size >= MAX_GIVEN) makeRoom()
    const { id, question, answers, by, door } = grant
    given.set(id, { id, question, scope, rule, answers, by, door, createdAt: iso(clock.now()), expiresAt: null, maxUses: null, generation: holder.now.generation, file: null, ...more })
  }

  /** Seldom: what ended, and a quarter of the oldest if that is too little. */
  function makeRoom(): void {
    const now = look()
    for (const [id, each] of given) if (!isOpen(each, now)) given.delete(id)
    if (given.size > MAX_GIVEN * 0.75) for (const id of [...given.keys()].slice(0, MAX_GIVEN / 4)) given.delete(id)
  }

  async function make(question: { readonly id: string, readonly askings: readonly Asking[] }, answer: Approve & { grant: GrantRequest }, door: string): Promise<GrantOutcome> {
    const asking = question.askings[0]
    if (asking === undefined) return { kind: 'refused', problems: ['the question is over'] }
    const checked = checkGrantRule(answer.grant.rule)
    if (checked.kind === 'refused') return { kind: 'refused', problems: sentences(checked.problems) }
    const now = clock.now()
    const { ttlMs, maxUses, persist = false } = answer.grant
    const grant: Grant = {
      id: `grant-${options.newId()}`,
      question: question.id,
      answers: asking.answers,
      rule: checked.rule,
      terms: termsOf(holder.now.ruleset, asking.answers),
      expiresAt: ttlMs === undefined ? null : now + ttlMs,
      maxUses: maxUses ?? null,
      by: answer.by ?? null,
      door,
      createdAt: now,
    }
    const covered = decide(holder.now.ruleset, compileGrants([grant]), asking.facts, { now, ...NEW })
    if (covered.kind !== 'allow') return { kind: 'refused', problems: [uncovered(covered)] }
    if (persist) {
      const kept = await persistRule(grant, asking)
      return kept === null ? { kind: 'granted', grant: grant.id, persisted: true } : { kind: 'refused', problems: kept }
    }
    give([grant], scopeOf(answer.grant))
    return { kind: 'granted', grant: grant.id, persisted: false }
  }

  function give(made: readonly Grant[], scope: DecisionScope): void {
    for (const grant of made) {
      const ends = [grant.expiresAt, grant.rule.expires === undefined ? null : Date.parse(grant.rule.expires)].filter(end => end !== null)
      remember(grant, scope, grant.rule, { maxUses: grant.maxUses, expiresAt: ends.length === 0 ? null : iso(Math.min(...ends)) })
      grants.add(grant)
    }
    holder.refreshGrants()
  }

  /** @returns problems; null when the rule stands in the file and is in force */
  async function persistRule(grant: Grant, asking: Asking): Promise<readonly string[] | null> {
    const { loaded } = holder.now
    if (loaded.file === null) return [NO_FILE]
    const rule = documentOf(grant, takenIds(loaded.document), asking.facts.host)
    const would = checkPolicy({ ...loaded.source, rules: [...loaded.source.rules ?? [], rule] }, { now: clock.now() })
    if (would.kind === 'invalid') return sentences(would.problems)
    const decision = decide(compileRuleset(would.document, would.hash), holder.now.grants, asking.facts, { now: clock.now(), ...NEW })
    if (decision.kind !== 'allow') return [uncovered(decision)]
    return write([grant], [rule])
  }

  async function write(made: readonly Grant[], documents: readonly RuleDocument[] = named(made)): Promise<readonly string[] | null> {
    const { file } = holder.now.loaded
    if (file === null) return [NO_FILE]
    const written = await appendRules(file, documents, { now: clock.now() })
    if (written.kind === 'invalid') return sentences(written.problems)
    for (const [at, rule] of documents.entries()) remember(made[at]!, 'always', rule, { file, maxUses: rule.maxUses ?? null, expiresAt: rule.expires ?? null })
    holder.replacePolicy(written)
    options.written()
    return null
  }

  function named(made: readonly Grant[]): readonly RuleDocument[] {
    const taken = takenIds(holder.now.loaded.document)
    return made.map(grant => {
      const document = documentOf(grant, taken, [grant.rule.host ?? grant.rule.cidr ?? ''].flat()[0] ?? '')
      taken.add(document.id)
      return document
    })
  }

  /** What tells which of them are open; looked up once for all that are asked about. */
  function look(): Now {
    return { live: new Map(grants.live(clock.now()).map(grant => [grant.id, grant])), streams: options.openStreams(), budgets: new Map(options.budgets().map(({ kind, id, ...budget }) => [`${kind} ${id}`, budget])) }
  }

  function isOpen({ id, scope, rule, file }: Given, { live, streams, budgets }: Now): boolean {
    if (scope === 'always') return holder.now.loaded.file === file && holder.now.loaded.source.rules?.some(each => sameRule(each, rule)) === true
    if (streams.has(id)) return true
    if (scope === 'once') return options.isKept(id)
    const budget = budgets.get(`grant ${id}`)
    return live.has(id) && (budget === undefined || !isUsedUp(budget))
  }

  function list(): readonly Granted[] {
    const now = look()
    return [...given.values()].filter(each => isOpen(each, now)).reverse().map(({ file, ...view }) => {
      const { hits: uses, lastHit: lastUsed } = hits.of(file === null ? view.id : view.rule.id ?? null)
      return { ...view, uses, lastUsed, live: now.streams.get(view.id) ?? 0, budget: now.budgets.get(file === null ? `grant ${view.id}` : `rule ${view.rule.id}`) ?? null }
    })
  }

  async function undo(id: string): Promise<Undone> {
    const grant = given.get(id)
    if (grant === undefined || !isOpen(grant, look())) return { kind: 'unknown' }
    const before = options.closed()
    switch (grant.scope) {
      case 'once':
        options.takeBack(id)
        given.delete(id)
        return { kind: 'undone', closed: options.closeOnce(id) }
      case 'always': {
        const problems = await unwrite(grant)
        if (problems !== null) return { kind: 'refused', problems }
        break
      }
      default:
        grants.remove(id)
        holder.refreshGrants()
    }
    given.delete(id)
    return { kind: 'undone', closed: options.closed() - before }
  }

  /** @returns problems; null once the rule is neither in the file nor in force */
  async function unwrite({ rule, file }: Given): Promise<readonly string[] | null> {
    const written = await removeRule(file!, rule as RuleDocument, { now: clock.now() })
    if (written.kind === 'invalid') return sentences(written.problems)
    if (written.source.rules?.some(each => each.id === rule.id) === true) return [`the rule "${rule.id}" was edited since; take it out of ${file} by hand`]
    holder.replacePolicy(written)
    options.written()
    return null
  }

  return {
    make,
    give,
    write: made => write(made),
    noteOnce({ asking, ...once }) {
      remember({ ...once, answers: asking.answers }, 'once', exactly(asking.facts))
    },
    list,
    undo,
  }
}

export function sentences(problems: readonly Problem[]): string[] {
  return problems.map(problem => formatProblem(problem, 'rule'))
}

function uncovered(decision: Exclude<Decision, { kind: 'allow' }>): string {
  return decision.kind === 'deny'
    ? `with this rule the request would still be denied (${decision.reason})`
    : decision.rule === null
      ? 'this rule does not cover the request that was asked about'
      : `this rule does not cover the request that was asked about, or the hold rule "${decision.rule}" outranks it: an allow rule of the policy never answers a hold rule`
}

const NO_FILE = 'the policy in force was not read from a file, so nothing can be added to it; grant it for a time instead'

function documentOf({ rule, maxUses }: Grant, taken: ReadonlySet<string>, host: string): RuleDocument {
  return { ...rule, id: rule.id ?? freeId(taken, host), ...(maxUses === null ? {} : { maxUses }) }
}

function takenIds(document: PolicyDocument): Set<string> {
  return new Set(document.rules?.map(rule => rule.id))
}

/** An id that no rule of the policy has, from the host that was asked about. */
function freeId(taken: ReadonlySet<string>, host: string): string {
  const stem = `approved-${host.replace(/^\*+\./, '').replace(/[^a-z0-9._-]+/g, '-')}`.slice(0, 56)
  for (let n = 1; ; n++) {
    const id = n === 1 ? stem : `${stem}-${n}`
    if (!taken.has(id)) return id
  }
}

/** One request as a rule would name it, to be read by people. Where no rule could grant it, as near as can be. */
function exactly(facts: Facts): RuleShape {
  const [exact] = suggestRules(facts)
  if (exact?.shape === 'exact') return exact.rule
  const place = facts.hostKind === 'name' ? { host: facts.host } : { cidr: `${facts.host}/${facts.hostKind === 'ipv4' ? 32 : 128}` }
  return { ...place, port: facts.port, scheme: facts.scheme, ...facts.kind === 'request' ? { method: facts.method, path: facts.path } : {} }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}
