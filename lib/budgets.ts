/**
 * Budgets of the rules and grants in force: counted as they are used, told to whoever judges and to whoever looks.
 *
 * A rule without a budget costs nothing here: it has no counters.
 */
import { tellBudget } from './decide/budgets.ts'
import type { RuleContext } from './decide/conditions.ts'
import type { GrantStore } from './hold/grants.ts'
import { createMeters } from './hold/meters.ts'
import type { InForce } from './in-force.ts'
import type { BudgetTold, ByteMeter } from './model/budget.ts'
import type { Clock, Timer } from './model/clock.ts'
import type { Allow, Decision } from './model/decision.ts'
import type { BudgetLine } from './model/desk.ts'

export interface Budgets {
  /** What a judgement has to know of them. */
  readonly spending: Spending
  /** The same for a stream that was let through already: neither its own use counts against it, nor how many began in the last minute. */
  spendingOf(allow: Allow): Spending
  /** The same for a row of judgements of which none is acted on yet: each may have what the ones before left of a minute. */
  inTurns(): { readonly spending: Spending, allowed(decision: Decision): void }
  /** Counts one use of each, in the turn in which it was allowed. */
  take(allow: Allow): void
  /** null: nothing limits its bytes. */
  meterOf(allow: Allow): ByteMeter | null
  /** Of those in force. */
  list(): readonly BudgetLine[]
  /** Somebody waits: `recheck` is called each second for as long as `isWaiting` and a minute is limited, because a minute passes by itself. */
  watch(): void
  close(): void
}

type Spending = Required<Pick<RuleContext, 'used' | 'spent'>>

export interface BudgetsOptions {
  readonly clock: Clock
  readonly grants: Pick<GrantStore, 'used' | 'take'>
  inForce(): InForce
  isWaiting(): boolean
  recheck(): void
}

const WATCH_MS = 1_000

export function createBudgets({ clock, grants, inForce, isWaiting, recheck }: BudgetsOptions): Budgets {
  const meters = createMeters(clock)
  const spending: Spending = { used: grants.used, spent: meters.spent }
  let timer: Timer | null = null

  function watch(): void {
    const { ruleset, grants: granted } = inForce()
    if (timer !== null || ![...ruleset.limited, ...granted.limited].some(({ maxRequestsPerMinute }) => maxRequestsPerMinute !== Infinity)) return
    timer = clock.after(WATCH_MS, () => {
      timer = null
      recheck()
      if (isWaiting()) watch()
    })
  }

  return {
    spending,
    spendingOf: ({ useKeys }) => useKeys.length === 0 ? spending : {
      used: key => grants.used(key) - (useKeys.includes(key) ? 1 : 0),
      spent: key => useKeys.includes(key) ? { ...meters.spent(key), lastMinute: 0 } : meters.spent(key),
    },
    inTurns() {
      const more = new Map<string, number>()
      return {
        spending: {
          used: grants.used,
          spent(key) {
            const { bytes, lastMinute } = meters.spent(key)
            return { bytes, lastMinute: lastMinute + (more.get(key) ?? 0) }
          },
        },
        allowed(decision) {
          if (decision.kind === 'allow') for (const key of decision.useKeys) more.set(key, (more.get(key) ?? 0) + 1)
        },
      }
    },
    take({ useKeys }) {
      for (const key of useKeys) {
        grants.take(key)
        meters.begin(key)
      }
    },
    meterOf({ byteBudgets }) {
      return byteBudgets.length === 0 ? null : {
        take(bytes) {
          let fits = true
          for (const { useKey, maxBytes } of byteBudgets) if (!meters.pass(useKey, bytes, maxBytes)) fits = false
          return fits
        },
        fits: bytes => byteBudgets.every(({ useKey, maxBytes }) => meters.spent(useKey).bytes + bytes <= maxBytes),
      }
    },
    list() {
      const { ruleset, grants: granted } = inForce()
      const told = (kind: BudgetLine['kind'], limited: InForce['grants']['limited']): BudgetLine[] => limited.flatMap(rule => {
        const budget = tellBudget(rule, { now: clock.now(), ...spending })
        return budget === null ? [] : [{ kind, id: rule.id, ...budget }]
      })
      return [...told('rule', ruleset.limited), ...told('grant', granted.limited)]
    },
    watch,
    close() { timer?.cancel() },
  }
}

/** Nothing will come of it any more, whatever the time. */
export function isUsedUp({ uses, bytes }: BudgetTold): boolean {
  return [uses, bytes].some(meter => meter !== null && meter.spent >= meter.of)
}
