/**
 * Whether what came over the control socket has the shape that the firewall's own words have.
 *
 * The socket at that path may belong to anything, so nothing of a response is used unchecked.
 * A check names every field of its type (the compiler sees to it); fields it does not know are
 * left alone, so that a newer firewall can be asked by an older program.
 */
import { isRecord } from '../audit/parse.ts'
import type { BudgetTold } from '../model/budget.ts'
import type { AuditRecord } from '../model/audit.ts'
import type { AnswerResult, Desk, DeskEvent, LogPart, Status } from '../model/desk.ts'
import type { Decided, Granted, RulesInForce, TogetherResult, Undone } from '../model/grants.ts'
import type { AskedRule, Asker, Held, HeldDisplay, HeldGroup, HeldTask, Pending, RiskNote, Suggestion } from '../model/hold.ts'
import type { HostKind, Scheme } from '../model/request.ts'
import { isId, type ControlError } from './protocol.ts'

type Check = (value: unknown) => boolean

export const isHeldList = (value: unknown): value is { readonly pending: readonly Pending[] } => heldList(value)
export const isStatus = (value: unknown): value is Status => status(value)
export const isPolicy = (value: unknown): value is ReturnType<Desk['policy']> => policy(value)
export const isAccepted = (value: unknown): value is Accepted => accepted(value)
export const isControlError = (value: unknown): value is ControlError => controlError(value)
export const isDeskEvent = (value: unknown): value is DeskEvent =>
  isObject(value) && isEventName(value['event']) && events[value['event']](value)
export const isEventName = (name: unknown): name is DeskEvent['event'] => typeof name === 'string' && Object.hasOwn(events, name)

export const isGrantList = (value: unknown): value is { readonly grants: readonly Granted[] } => grants(value)
export const isRules = (value: unknown): value is RulesInForce => rules(value)
export const isUndone = (value: unknown): value is UndoneGrant => undone(value)
export const isTogether = (value: unknown): value is TakenTogether => together(value)
export const isLogPart = (value: unknown): value is LogPart => logPart(value)
export const isFlowList = (value: unknown): value is { readonly flows: readonly AuditRecord[] } => flows(value)

/** A link is opened in a browser, so it is one of a console and of nothing else. */
export const isConsoleLink = (value: unknown): value is { readonly link: string } => consoleLink(value)

export type UndoneGrant = Extract<Undone, { kind: 'undone' }>
export type TakenTogether = Extract<TogetherResult, { kind: 'accepted' }>
export type Accepted = Extract<AnswerResult, { kind: 'accepted' }>

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const text: Check = value => typeof value === 'string'
const count: Check = value => Number.isSafeInteger(value) && (value as number) >= 0
const flag: Check = value => typeof value === 'boolean'
const id: Check = value => typeof value === 'string' && isId(value)
const orNull = (check: Check): Check => value => value === null || check(value)
const listOf = (check: Check): Check => value => Array.isArray(value) && value.every(check)
const oneOf = <T extends string>(...words: readonly T[]): Check => value => words.includes(value as T)

/** Every field of T. */
const shape = <T>(fields: { readonly [Field in keyof T]-?: Check }): Check => {
  const checks = Object.entries<Check>(fields)
  return value => isObject(value) && checks.every(([field, check]) => check(value[field]))
}

const reach = shape<NonNullable<Suggestion['also']>>({ requests: count, denied: count, says: text })
const suggestion = shape<Suggestion>({ shape: oneOf<Suggestion['shape']>('exact', 'endpoint', 'below', 'read-only', 'host', 'group'), says: text, rule: isObject, also: value => value === undefined || reach(value) })

const risks = listOf(shape<RiskNote>({ code: text, says: text }))

const heldRequest = shape<Held>({
  kind: oneOf('request'),
  id,
  shown: text,
  flow: text,
  client: text,
  scheme: oneOf<Scheme>('https', 'http', 'wss', 'ws', 'tcp'),
  host: text,
  hostKind: oneOf<HostKind>('name', 'ipv4', 'ipv6'),
  port: count,
  method: orNull(text),
  target: orNull(text),
  path: orNull(text),
  headers: listOf(shape<Held['headers'][number]>({ name: text, bytes: count })),
  contentLength: orNull(count),
  contentType: orNull(text),
  userAgent: orNull(text),
  asker: orNull(shape<Asker>({ pid: count, executable: orNull(text), commandLine: orNull(text), parents: listOf(shape<Asker['parents'][number]>({ pid: count, name: text })) })),
  waiting: count,
  firstSeen: text,
  deadline: orNull(text),
  policy: shape<Held['policy']>({ name: orNull(text), generation: count }),
  answers: orNull(text),
  note: orNull(text),
  nearest: orNull(shape<NonNullable<Held['nearest']>>({ rule: text, why: text })),
  suggestions: listOf(suggestion),
  risks,
  group: shape<HeldGroup>({ id, questions: count, waiting: count, suggestion: orNull(suggestion) }),
  display: shape<HeldDisplay>({ host: text, unicode: orNull(text), method: text, path: text, client: text, userAgent: text, asker: text, body: text, line: text }),
})

const heldTask = shape<HeldTask>({
  kind: oneOf('task'),
  id,
  shown: text,
  flow: text,
  client: text,
  reason: text,
  rules: listOf(shape<AskedRule>({ rule: isObject, says: text, answers: listOf(text) })),
  waiting: count,
  firstSeen: text,
  deadline: text,
  policy: shape<HeldTask['policy']>({ name: orNull(text), generation: count }),
  risks,
  display: shape<HeldTask['display']>({ client: text, reason: text, line: text }),
})

const held: Check = value => heldRequest(value) || heldTask(value)

const heldList = shape<{ pending: unknown }>({ pending: listOf(held) })

const meter = orNull(shape<{ spent: unknown, of: unknown }>({ spent: count, of: count }))
const budgetParts = { uses: meter, bytes: meter, lastMinute: meter }
const budget = orNull(shape<BudgetTold>(budgetParts))

const status = shape<Status>({
  state: oneOf<Status['state']>('running', 'draining'),
  version: text,
  pid: count,
  startedAt: text,
  uptimeMs: value => typeof value === 'number',
  listeners: listOf(text),
  policy: shape<Status['policy']>({ name: orNull(text), hash: text, generation: count, rules: count, unmatched: text, problem: orNull(text) }),
  counts: shape<Status['counts']>({ connections: count, flows: count, waiting: count, questions: count, grants: count, allowed: count, denied: count, refused: count, held: count }),
  limits: value => isObject(value) && Object.values(value).every(limit => typeof limit === 'number'),
  budgets: listOf(shape<Status['budgets'][number]>({ kind: oneOf<Status['budgets'][number]['kind']>('rule', 'grant'), id: text, ...budgetParts })),
  roots: text,
  audit: shape<Status['audit']>({ healthy: flag, problem: orNull(text) }),
  ca: shape<Status['ca']>({ path: text, fingerprint: text, expires: text }),
  warnings: listOf(text),
})

const policy = shape<ReturnType<Desk['policy']>>({ document: isObject, hash: text, generation: count })

const scope = oneOf<Decided['scope']>('once', 'uses', 'ttl', 'session', 'always')

const decided = shape<Decided>({
  question: id,
  verdict: oneOf<Decided['verdict']>('approve', 'deny'),
  scope,
  grant: orNull(id),
  rule: orNull(isObject),
  by: orNull(text),
  door: text,
  at: text,
  expiresAt: orNull(text),
  maxUses: orNull(count),
  reason: orNull(text),
  note: orNull(text),
})

const grants = shape<{ grants: unknown }>({
  grants: listOf(shape<Granted>({
    id,
    question: id,
    scope,
    rule: isObject,
    answers: orNull(text),
    by: orNull(text),
    door: text,
    createdAt: text,
    expiresAt: orNull(text),
    maxUses: orNull(count),
    uses: count,
    lastUsed: orNull(text),
    live: count,
    budget,
    generation: count,
  })),
})

const rules = shape<RulesInForce>({
  rules: listOf(shape<RulesInForce['rules'][number]>({ rule: isObject, hits: count, lastHit: orNull(text), budget })),
  unmatched: shape<RulesInForce['unmatched']>({ action: oneOf<RulesInForce['unmatched']['action']>('hold', 'deny', 'observe'), hits: count, lastHit: orNull(text) }),
  generation: count,
})

const consoleLink = shape<{ readonly link: string }>({ link: value => typeof value === 'string' && /^http:\/\/[\w.:[\]-]{1,300}\/#sign-in=[\w-]{1,100}$/.test(value) })
const undone = shape<UndoneGrant>({ kind: oneOf('undone'), closed: count })

const together = shape<TakenTogether>({
  kind: oneOf('accepted'),
  answered: count,
  released: count,
  grants: listOf(id),
  persisted: flag,
  left: listOf(shape<TakenTogether['left'][number]>({ id, problems: listOf(text) })),
})

const flows = shape<{ flows: unknown }>({ flows: listOf(isRecord) })
const logPart = shape<LogPart>({ flows: listOf(isRecord), older: value => value === null || typeof value === 'string' })

const accepted = shape<Accepted>({ kind: oneOf('accepted'), released: count, grant: orNull(text), persisted: flag })

const controlError = shape<ControlError>({
  error: shape<ControlError['error']>({ code: oneOf<ControlError['error']['code']>('E_UNKNOWN_QUESTION', 'E_UNKNOWN_GRANT', 'E_CONTROL_REFUSED'), message: text, problems: listOf(text) }),
})

type EventNamed<Name> = Extract<DeskEvent, { event: Name }>

const events: { readonly [Name in DeskEvent['event']]: Check } = {
  asked: shape<EventNamed<'asked'>>({ event: text, held }),
  changed: shape<EventNamed<'changed'>>({ event: text, held }),
  settled: shape<EventNamed<'settled'>>({
    event: text,
    id,
    how: oneOf<EventNamed<'settled'>['how']>('approved', 'denied', 'expired', 'released', 'unavailable', 'shutdown'),
    by: orNull(text),
    door: orNull(text),
  }),
  decided: shape<EventNamed<'decided'>>({ event: text, decided }),
  undone: shape<EventNamed<'undone'>>({ event: text, id, closed: count, by: orNull(text), door: text }),
  'door-failed': shape<EventNamed<'door-failed'>>({ event: text, id, door: text, problem: text }),
  policy: shape<EventNamed<'policy'>>({ event: text, name: orNull(text), generation: count, problem: orNull(text) }),
  flows: shape<EventNamed<'flows'>>({ event: text, records: listOf(isRecord), skipped: count }),
  notice: shape<EventNamed<'notice'>>({ event: text, says: text }),
}
