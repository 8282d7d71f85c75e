/** Steps of a case: one after another, each through a door of the proxy, each with what is sound for it. */
import type { Clock } from '../../model/clock.ts'
import type { Address, Door } from '../attack.ts'
import type { Hook } from '../hook.ts'
import type { Inside } from '../inside.ts'
import type { Lane } from '../lanes.ts'
import type { Reloader } from '../reload.ts'
import type { Resolver } from '../resolver.ts'
import { askName } from './ask-name.ts'
import type { AskName } from './ask-name.ts'
import { change } from './change.ts'
import type { ChangePolicy } from './change.ts'
import { flood } from './flood.ts'
import type { Flood } from './flood.ts'
import { checkPolicy } from './policy.ts'
import type { CheckPolicy, Checker } from './policy.ts'
import { goInside } from './inside.ts'
import type { GoInside } from './inside.ts'
import { sayHello } from './hello.ts'
import type { SayHello } from './hello.ts'
import { knock } from './knock.ts'
import type { Knock } from './knock.ts'
import { send } from './send.ts'
import type { Send } from './send.ts'
import { hangUp, talk } from './talk.ts'
import type { Line, Talk } from './talk.ts'
import { shakeHands } from './tls.ts'
import type { ShakeHands } from './tls.ts'

export type Step = Send | ShakeHands | SayHello | AskName | GoInside | Knock | CheckPolicy | Instruct | Talk | Flood | ChangePolicy | Together

/** What the operator's hook does with the next questions about a host, in order; it has no opinion of those beyond. */
export interface Instruct {
  readonly kind: 'hook'
  /** Default: the lane's name that is asked about. */
  readonly for?: string
  readonly plan: readonly Instruction[]
}

export interface Instruction {
  /** Sent as JSON; a string as it is. Default: nothing. */
  readonly answer?: unknown
  /** Default: 200. */
  readonly status?: number
  /** Milliseconds before it answers. */
  readonly afterMs?: number
  /** The connection is reset, or never answered. */
  readonly instead?: 'reset' | 'silence'
  /** Bytes of nonsense behind the answer. */
  readonly padding?: number
}

/** All at once. */
export interface Together { readonly kind: 'together', readonly steps: readonly Step[] }

/** Doors that only ourselves have. */
export interface Doors {
  readonly dns: Address
  readonly transparent: Address
  /** The page's, without its link. */
  readonly console: Address
  /** Path of the operator's socket. */
  readonly control: string
  /** Files that nobody inside may change. */
  readonly files: { readonly policy: string, readonly auditInside: string }
  readonly hook: Hook
  /** Of names that were led nowhere; null where the program cannot be made to ask it. */
  readonly resolver: Resolver | null
  readonly check: Checker
  /** The policy as it is written at the start, and what changes it. */
  readonly policy: { readonly rules: readonly unknown[] }
  readonly reloader: Reloader
  /** A sandbox; or why there is none here. */
  readonly inside: Inside | { readonly problem: string }
}

export interface World {
  readonly proxy: Door
  readonly lane: Lane
  readonly doors: Doors | null
  readonly clock: Clock
  /** As of `Exchange`. */
  readonly caughtUp: () => Promise<void>
}

/** Null: as it should be. `through`: the attacker got what they wanted. */
export type Outcome = { readonly verdict: 'through' | 'otherwise', readonly problem: string } | null

/** @returns why this proxy cannot be asked so; null when it can */
export function lacking(steps: readonly Step[], { doors }: Pick<World, 'doors'>): string | null {
  for (const step of steps) {
    if (step.kind === 'together') {
      const problem = lacking(step.steps, { doors })
      if (problem !== null) return problem
    } else if (!EVERYWHERE.has(step.kind)) {
      if (doors === null) return 'this proxy has no such door'
      if (step.kind === 'inside' && 'problem' in doors.inside) return `there is no sandbox here: ${doors.inside.problem}`
    }
  }
  return null
}

/** Any proxy has them, if it has TLS. */
const EVERYWHERE: ReadonlySet<Step['kind']> = new Set(['send', 'tls', 'hello'])

/** What a case does to everybody: it runs when the others are over, by itself. */
export const stirs = (steps: readonly Step[]): boolean => steps.some(step => step.kind === 'reload' || step.kind === 'flood' || (step.kind === 'together' && stirs(step.steps)))

/** @returns the first outcome that is not as it should be */
export async function take(steps: readonly Step[], world: World): Promise<Outcome> {
  const memory: Memory = { session: null, lines: new Map() }
  try {
    for (const step of steps) {
      const outcome = await takeOne(step, world, memory)
      if (outcome !== null) return outcome
    }
    return null
  } catch (error) {
    return { verdict: 'otherwise', problem: (error as Error).message }
  } finally {
    hangUp(memory, world)
    await world.doors?.reloader.restore()
  }
}

/** What one step leaves for the next: a session to be resumed, connections by their names. */
export interface Memory { session: Buffer | null, readonly lines: Map<string, Line> }

async function takeOne(step: Step, world: World, memory: Memory): Promise<Outcome> {
  switch (step.kind) {
    case 'send': return send(step, world)
    case 'tls': return shakeHands(step, world, memory)
    case 'hello': return sayHello(step, world)
    case 'together': return (await Promise.all(step.steps.map(each => takeOne(each, world, memory)))).find(outcome => outcome !== null) ?? null
    default:
  }
  if (world.doors === null) return { verdict: 'otherwise', problem: 'this proxy has no such door' }
  switch (step.kind) {
    case 'dns': return askName(step, world.doors.dns, world)
    case 'inside': return 'problem' in world.doors.inside ? { verdict: 'otherwise', problem: world.doors.inside.problem } : goInside(step, world.doors.inside)
    case 'talk': return talk(step, world, memory)
    case 'flood': return flood(step, world)
    case 'reload': return change(step, world.doors.policy, world.doors.reloader, world)
    case 'knock': return knock(step, world.doors, world)
    case 'policy': return checkPolicy(step, world.doors.check)
    case 'hook':
      world.doors.hook.instruct(step.for ?? world.lane.asked, step.plan)
      return null
    default: return step satisfies never
  }
}
