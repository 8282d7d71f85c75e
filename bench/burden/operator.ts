/**
 * The operator, scripted: looks at what is asked, thinks for as long as it is told, and gives one answer, to the oldest
 * question. What they take is a suggestion that was offered with it, as the trace says, for as long as the firewall runs.
 */
import type { Firewall, Held, RuleShape } from '../../lib/index.ts'
import type { Service, Trace } from './trace.ts'

export interface Operator {
  /** Answers given so far: one each time that they had to look, and press a key. */
  readonly answers: readonly Answered[]
  stop(): void
}

export interface Answered {
  /** null: none of the trace's. */
  readonly service: string | null
  /** Of the rule, in one line. */
  readonly says: string
}

export interface OperatorOptions {
  readonly firewall: Firewall
  readonly trace: Trace
  /** How long they think, in milliseconds; 0: not at all. */
  readonly thinkMs: number
  /** Called in the turn in which the requests that these questions stood for went on. */
  answered(settled: readonly Held[], at: number): void
}

export function startOperator({ firewall, trace, thinkMs, answered }: OperatorOptions): Operator {
  const answers: Answered[] = []
  let isBusy = false
  let isStopped = false

  async function work(): Promise<void> {
    if (isBusy) return
    isBusy = true
    while (!isStopped && firewall.pending().length > 0) {
      await think(thinkMs)
      const open = questions(firewall)
      const [held] = open
      if (held !== undefined && !isStopped) await answer(held, open)
    }
    isBusy = false
  }

  async function answer(held: Held, open: readonly Held[]): Promise<void> {
    const service = trace.services.find(({ hosts }) => hosts.includes(held.host)) ?? null
    const taken = choose(held, service)
    const at = performance.now()
    const result = await firewall.answer(held.id, { verdict: 'approve', grant: { rule: taken.rule }, shown: held.shown })
    if (result.kind !== 'accepted') throw new Error(`${held.display.line}: the answer was not taken (${JSON.stringify(result)})`)
    answers.push({ service: service?.name ?? null, says: taken.says })
    const left = new Set(questions(firewall).map(({ id }) => id))
    answered(open.filter(({ id }) => !left.has(id)), at)
  }

  const unsubscribe = firewall.subscribe(event => { if (event.event === 'asked') void work() })
  return {
    answers,
    stop() {
      isStopped = true
      unsubscribe()
    },
  }
}

const WIDTH = ['exact', 'endpoint', 'below', 'read-only', 'host'] as const

function choose({ suggestions, host }: Held, service: Service | null): { readonly says: string, readonly rule: RuleShape } {
  const takes = service?.takes ?? 'exact'
  const widest = takes === 'siblings' ? 'read-only' : takes
  const chosen = suggestions.findLast(({ shape }) => shape !== 'group' && WIDTH.indexOf(shape) <= WIDTH.indexOf(widest))
  if (chosen === undefined) throw new Error(`nothing is suggested for ${host}`)
  if (takes !== 'siblings') return chosen
  const siblings = `*${host.slice(host.indexOf('.'))}`
  return { says: `${chosen.says}, edited: ${siblings}`, rule: { ...chosen.rule, host: siblings } }
}

function questions(firewall: Firewall): readonly Held[] {
  return firewall.pending().filter(held => held.kind === 'request')
}

function think(ms: number): Promise<void> {
  return new Promise(resolve => ms === 0 ? setImmediate(resolve) : setTimeout(resolve, ms))
}
