/** The ruling of a policy on one request, from the bytes a client writes to the rule that is reported. */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { compileGrants, compileRuleset } from '../../lib/decide/compile.ts'
import { decide } from '../../lib/decide/decide.ts'
import type { Normalized } from '../../lib/model/flow.ts'
import type { PolicyDocument } from '../../lib/model/policy.ts'
import type { Facts, Scheme } from '../../lib/model/request.ts'
import { normalizeConnect, normalizeRequest } from '../../lib/normalize/request.ts'

interface Case {
  id: string
  why: string
  policy: PolicyDocument
  request: { scheme: Scheme, host: string, port: number, method?: string, target?: string, headers?: Record<string, string | string[]> }
  now?: string
  action: 'allow' | 'hold' | 'deny' | 'refused'
  rule?: string | null
  wouldHold?: boolean
}

const { cases } = JSON.parse(readFileSync(new URL('vectors/decisions.json', import.meta.url), 'utf8')) as { cases: Case[] }

/** Where a vector contradicts the policy language, the language wins. */
const CORRECTED: Record<string, Partial<Case>> = {
  // "in its path (the query is data) a bad percent escape"
  'dec-refu-query-escape': { action: 'allow', rule: 'all' },
}

function factsOf({ scheme, host, port, method, target, headers = {} }: Case['request']): Normalized<Facts> {
  const tunnel = normalizeConnect({ client: 'c', target: `${host}:${port}`, httpVersion: '1.1', fields: ['Host', `${host}:${port}`] })
  if (tunnel.kind === 'refused') return tunnel
  if (method === undefined || target === undefined) return { kind: 'facts', facts: { ...tunnel.facts, scheme: scheme === 'tcp' ? 'tcp' : 'https' } }
  const isUpgrade = scheme === 'wss' || scheme === 'ws'
  const fields = Object.entries(headers).flatMap(([name, values]) => [values].flat().flatMap(value => [name, value]))
  return normalizeRequest({
    client: 'c',
    tunnel: { authority: tunnel.facts, isSecure: scheme === 'https' || scheme === 'wss', serverName: null },
    method,
    target,
    httpVersion: '1.1',
    fields: ['Host', host, ...fields, ...isUpgrade ? ['Connection', 'Upgrade', 'Upgrade', 'websocket'] : []],
    isUpgrade,
  })
}

t.ok(cases.length > 190, 'the vectors were found')
for (const vector of cases) {
  const { id, why, policy, request, now = '2026-01-01T00:00:00Z', action, rule, wouldHold = false } = { ...vector, ...CORRECTED[vector.id] }
  const normalized = factsOf(request)
  if (normalized.kind === 'refused' || action === 'refused') {
    t.equal(normalized.kind, action === 'refused' ? 'refused' : 'facts', `${id}: ${why}`)
    continue
  }
  const decision = decide(compileRuleset(policy, 'hash'), compileGrants([]), normalized.facts, { now: Date.parse(now), used: () => 0 })
  t.match(decision, {
    kind: action,
    ...rule === undefined ? {} : { rule },
    ...decision.kind === 'allow' ? { wouldHold } : {},
    ...decision.kind === 'deny' ? { code: 'policy_denied' } : {},
  }, `${id}: ${why}`)
}
