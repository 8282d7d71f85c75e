/**
 * A question as every approver sees it: made from what was asked, under the policy as it is now.
 *
 * Values of fields are left out (they may be credentials); only user agent and content type are told.
 */
import { describeAsker, describeLine, displayHost, unicodeForm, visible } from './model/display.ts'
import type { Asking, Held, HeldGroup, RiskNote, Suggestion } from './model/hold.ts'
import type { Facts, RawFields } from './model/request.ts'

export interface QuestionParts {
  readonly id: string
  readonly shown: string
  readonly asking: Asking
  readonly waiting: number
  /** Milliseconds since 1970. */
  readonly firstSeen: number
  readonly deadline: number | null
  readonly policy: Held['policy']
  readonly nearest: Held['nearest']
  readonly suggestions: readonly Suggestion[]
  readonly risks: readonly RiskNote[]
  readonly group: HeldGroup
  /** Registrable domain of the host; null where it has none. */
  readonly registrable: string | null
}

const MAX_FIELD = 1_024
const MAX_SHOWN_PATH = 200
const MAX_SHOWN = 80
const MAX_BODY = 240

export function describeQuestion(parts: QuestionParts): Held {
  const { id, shown, asking, waiting, policy, nearest, suggestions, risks, group } = parts
  const { facts } = asking
  const fields: RawFields = facts.kind === 'request' ? facts.fields : []
  const userAgent = valueOf(fields, 'user-agent')
  const held = {
    kind: 'request' as const,
    id,
    shown,
    flow: asking.flow,
    client: facts.client,
    scheme: facts.scheme,
    host: facts.host,
    hostKind: facts.hostKind,
    port: facts.port,
    method: facts.kind === 'request' ? facts.method : null,
    target: facts.kind === 'request' ? facts.target : null,
    path: facts.kind === 'request' ? facts.path : null,
    headers: sizes(fields),
    contentLength: facts.kind === 'request' ? facts.contentLength : null,
    contentType: valueOf(fields, 'content-type'),
    userAgent,
    asker: asking.asker,
    waiting,
    firstSeen: new Date(parts.firstSeen).toISOString(),
    deadline: parts.deadline === null ? null : new Date(parts.deadline).toISOString(),
    policy,
    answers: asking.answers,
    note: asking.note,
    nearest,
    suggestions,
    risks,
    group,
  }
  return { ...held, display: displayOf(asking, userAgent, parts.registrable) }
}

function displayOf({ facts, asker, body }: Asking, userAgent: string | null, registrable: string | null): Held['display'] {
  const method = facts.kind === 'request' ? visible(facts.method, MAX_SHOWN) : facts.scheme
  const path = facts.kind === 'request' ? visible(facts.target, MAX_SHOWN_PATH) : ''
  const host = displayHost(facts.host, facts.port, registrable)
  return {
    host,
    unicode: unicodeForm(facts.host),
    method,
    path,
    client: visible(facts.client, MAX_SHOWN),
    userAgent: visible(userAgent ?? '', MAX_SHOWN),
    asker: describeAsker(asker),
    body: visible(body ?? '', MAX_BODY),
    line: describeLine(facts, registrable),
  }
}

function sizes(fields: RawFields): Held['headers'] {
  const out: { name: string, bytes: number }[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) out.push({ name: fields[i]!, bytes: fields[i + 1]!.length })
  return out
}

/** The first field of that name, cut to length; null where there is none. */
function valueOf(fields: RawFields, name: string): string | null {
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]!.length === name.length && fields[i]!.toLowerCase() === name) return fields[i + 1]!.slice(0, MAX_FIELD)
  }
  return null
}
