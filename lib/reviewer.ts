/**
 * A model as the reviewer, within an envelope: a policy of the operator's that says what it may let through at most.
 *
 * The envelope is asked like any policy about each request that the model would allow, by the same code. What it does not allow
 * outright goes on to people, whatever the model thinks.
 */
import { modelDoor } from './approve/model.ts'
import type { Envelope, ModelOptions } from './approve/model.ts'
import { compileGrants, compileRuleset } from './decide/compile.ts'
import { decide } from './decide/decide.ts'
import { systemClock } from './model/clock.ts'
import { OperatorError } from './model/errors.ts'
import type { Door, Held } from './model/hold.ts'
import type { PolicyDocument, RuleDocument } from './model/policy.ts'
import { describeRequest } from './normalize/offline.ts'
import { readPolicy } from './read-policy.ts'

export interface ReviewerOptions extends ModelOptions {
  /** A policy file, or its document. Default: none, and it may deny or pass on but never allow. */
  readonly envelope?: string | PolicyDocument
}

/** @throws OperatorError when the envelope cannot be read, would not take effect, or asks for what a question does not tell */
export async function modelReviewer({ envelope, ...options }: ReviewerOptions): Promise<Door> {
  return modelDoor(options, envelope === undefined ? () => false : await readEnvelope(envelope, options.clock ?? systemClock))
}

/** A question has no values of fields; and what one approval grants has no limits of its own that somebody would count. */
const UNKNOWN_HERE = ['header', 'maxUses', 'maxBytes', 'maxRequestsPerMinute', 'maxRequestBytes', 'maxResponseBytes'] as const

async function readEnvelope(policy: string | PolicyDocument, clock: NonNullable<ModelOptions['clock']>): Promise<Envelope> {
  const { document, hash } = await readPolicy(policy, clock)
  for (const rule of document.rules ?? []) refuseUnknown(rule)
  const ruleset = compileRuleset(document, hash)
  const nothing = compileGrants([])
  return held => {
    const described = held.method === null || held.target === null ? null : describeRequest(requestOf(held, held.method, held.target))
    if (described === null || described.kind === 'refused') return false
    const decision = decide(ruleset, nothing, described.facts, { now: clock.now(), used: () => 0 })
    return decision.kind === 'allow' && !decision.wouldHold
  }
}

function requestOf({ scheme, host, port, contentLength, client }: Held, method: string, target: string): Parameters<typeof describeRequest>[0] {
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`
  return { client, method, url: `${scheme}://${authority}${target}`, headers: contentLength === null ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': String(contentLength) } }
}

function refuseUnknown(rule: RuleDocument): void {
  const unknown = UNKNOWN_HERE.find(name => rule[name] !== undefined)
  if (unknown === undefined) return
  throw new OperatorError('E_OPTION_INVALID', { option: 'envelope', problem: `its rule "${rule.id}" has "${unknown}", which cannot be kept there`, fix: 'Write the envelope by host, path, method and query.' })
}
