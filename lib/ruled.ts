/** A ruling as it is told to a caller of the library. */
import type { Ruled } from './contract.ts'
import type { Decision } from './model/decision.ts'

export function told(decision: Decision): Ruled {
  switch (decision.kind) {
    case 'allow': return { action: 'allow', rule: decision.rule, code: null, reason: null, wouldHold: decision.wouldHold }
    case 'hold': return { action: 'hold', rule: decision.rule, code: null, reason: decision.note, wouldHold: false }
    case 'deny': return { action: 'deny', rule: decision.rule, code: decision.code, reason: decision.reason, wouldHold: false }
    default: return decision satisfies never
  }
}
