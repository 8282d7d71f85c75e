/**
 * What may become of a waiter and of a question. Pure: no time, no sockets, no maps.
 *
 * A *waiter* is one client request.
 *
 *   waiting --release--> released (judge again)    waiting --expire---> expired  (not decided: 503)
 *   waiting --deny-----> denied                    waiting --leave----> left     (client hung up)
 *   waiting --give-up--> unavailable               waiting --shut-down> shutdown
 *
 * A *question* is what is asked. It may have no waiter for a while: a client that gave up comes back.
 *
 *        ┌─────────── refuse ──────────┐
 *        ▼                             │
 *      open --grant--> granting (a rule is being made effective) --approve--> approved
 *      open --approve--> approved      open --release--> released  (the policy changed)
 *      open --deny-----> denied        open --give-up--> unavailable (no approver is left)
 *
 *      open, granting --expire--> expired (10 minutes without a waiter), --shut-down--> shutdown
 *
 * Every state but `waiting`, `open` and `granting` is final: the first answer wins and later ones are
 * ignored, so a double-clicked "approve" or a timer racing a human cannot change the outcome. While a
 * grant is being made only that grant, time or shutdown moves the question on.
 */

export type WaiterState = 'waiting' | 'released' | 'denied' | 'expired' | 'left' | 'unavailable' | 'shutdown'
export type WaiterEvent = 'release' | 'deny' | 'expire' | 'leave' | 'give-up' | 'shut-down'

const WAITER: Readonly<Record<WaiterEvent, WaiterState>> = {
  release: 'released',
  deny: 'denied',
  expire: 'expired',
  leave: 'left',
  'give-up': 'unavailable',
  'shut-down': 'shutdown',
}

export function nextWaiter(state: WaiterState, event: WaiterEvent): WaiterState {
  return state === 'waiting' ? WAITER[event] : state
}

export type QuestionState = 'open' | 'granting' | 'approved' | 'denied' | 'released' | 'unavailable' | 'expired' | 'shutdown'
export type QuestionEvent = 'approve' | 'deny' | 'grant' | 'refuse' | 'release' | 'give-up' | 'expire' | 'shut-down'

/** How a question ends, as an operator's door is told. */
export type Settlement = Exclude<QuestionState, 'open' | 'granting'>

const OPEN: Readonly<Record<QuestionEvent, QuestionState>> = {
  approve: 'approved',
  deny: 'denied',
  grant: 'granting',
  refuse: 'open',
  release: 'released',
  'give-up': 'unavailable',
  expire: 'expired',
  'shut-down': 'shutdown',
}

const GRANTING: Readonly<Record<QuestionEvent, QuestionState>> = {
  approve: 'approved',
  deny: 'granting',
  grant: 'granting',
  refuse: 'open',
  release: 'granting',
  'give-up': 'granting',
  expire: 'expired',
  'shut-down': 'shutdown',
}

export function nextQuestion(state: QuestionState, event: QuestionEvent): QuestionState {
  switch (state) {
    case 'open': return OPEN[event]
    case 'granting': return GRANTING[event]
    default: return state
  }
}

export function isSettled(state: QuestionState): state is Settlement {
  return state !== 'open' && state !== 'granting'
}
