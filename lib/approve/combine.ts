/**
 * Doors made of doors: the first that answers, several that must agree, one after another, by the time of day.
 *
 * In each a failure is a missing voice and never an approval. What nobody answers is no opinion, or, where a door failed, a failure
 * that names it.
 */
import { systemClock } from '../model/clock.ts'
import type { Clock } from '../model/clock.ts'
import { OperatorError } from '../model/errors.ts'
import type { Answer, Approve, Door, Refuse } from '../model/hold.ts'
import { consult, giveUp } from './consult.ts'
import type { Consultation, Opinion } from './consult.ts'

/** All are asked at once; the first approval or denial is the answer. */
export function firstAnswer(doors: readonly Door[]): Door {
  return {
    name: nameOf('first', atLeast(1, doors, 'firstAnswer')),
    ask: (held, { signal }) => consult(held, signal, askAll(doors), takeFirst),
  }
}

/** All are asked at once, and all must approve the same; one denial is the answer. */
export function allMustAgree(doors: readonly Door[]): Door {
  return { ...quorum(doors.length, doors), name: nameOf('all', atLeast(1, doors, 'allMustAgree')) }
}

/**
 * All are asked at once; so many must approve the same. Two approvals are the same when they grant the same: one that grants less
 * agrees with none that grants more. When too few are left, the first denial is the answer, if there was one.
 *
 * @param needed from 1 to the number of doors
 */
export function quorum(needed: number, doors: readonly Door[]): Door {
  if (!Number.isInteger(needed) || needed < 1 || needed > doors.length) throw new OperatorError('E_OPTION_INVALID', { option: 'quorum', problem: `${needed} of ${doors.length} doors cannot agree`, fix: 'Name a number from 1 to the number of doors.' })
  return {
    name: nameOf(`${needed} of`, doors),
    ask: (held, { signal }) => consult(held, signal, askAll(doors), consultation => count(needed, consultation)),
  }
}

/**
 * `first` is asked; when it has not answered after so long, or has no opinion, or fails, `then` is asked too. The first
 * approval or denial of either is the answer.
 *
 * @param ms milliseconds
 */
export function escalateAfter(ms: number, first: Door, then: Door, clock: Clock = systemClock): Door {
  if (!(ms >= 0)) throw new OperatorError('E_OPTION_INVALID', { option: 'escalateAfter', problem: `${ms} is no length of time`, fix: 'Give milliseconds.' })
  return {
    name: `${first.name}, then ${then.name}`,
    async ask(held, { signal }) {
      let isEscalated = false
      const escalate = (consultation: Consultation): void => {
        if (isEscalated) return
        isEscalated = true
        consultation.ask(then)
      }
      let timer = { cancel(): void {} }
      try {
        return await consult(held, signal, consultation => {
          consultation.ask(first)
          timer = clock.after(ms, () => escalate(consultation))
        }, consultation => {
          if (lastOf(consultation).kind === 'answer') takeFirst(consultation)
          else if (!isEscalated) escalate(consultation)
          else takeFirst(consultation)
        })
      } finally {
        timer.cancel()
      }
    },
  }
}

export interface OfficeHours {
  /** From 1, Monday, to 7, Sunday (ISO 8601). Default: Monday to Friday. */
  readonly days?: readonly number[]
  /** `09:00`. With `to` at or before it they last into the next day. */
  readonly from: string
  /** `17:30`, which is outside of them. */
  readonly to: string
  /** IANA name, `Europe/Berlin`. Default: the machine's. */
  readonly timeZone?: string
}

/** One door in office hours and another one outside of them, by the time at which the question is asked. */
export function officeHours(hours: OfficeHours, during: Door, otherwise: Door, clock: Clock = systemClock): Door {
  const isOpen = readHours(hours)
  return {
    name: `${during.name} in office hours, else ${otherwise.name}`,
    ask: (held, context) => (isOpen(clock.now()) ? during : otherwise).ask(held, context),
  }
}

const MAX_NAME = 80
const MAX_BY = 200

function nameOf(how: string, doors: readonly Door[]): string {
  const name = `${how} (${doors.map(door => door.name).join(', ')})`
  return name.length > MAX_NAME ? `${name.slice(0, MAX_NAME - 1)}…` : name
}

function atLeast(least: number, doors: readonly Door[], option: string): readonly Door[] {
  if (doors.length < least) throw new OperatorError('E_OPTION_INVALID', { option, problem: 'there is no door', fix: 'Name at least one.' })
  return doors
}

function askAll(doors: readonly Door[]): (consultation: Consultation) => void {
  return consultation => { for (const door of doors) consultation.ask(door) }
}

function lastOf({ opinions }: Consultation): Opinion {
  return opinions.at(-1)!
}

function takeFirst(consultation: Consultation): void {
  const last = lastOf(consultation)
  if (last.kind === 'answer') consultation.settle(signed(last))
  else if (consultation.silent === 0) giveUp(consultation)
}

function count(needed: number, consultation: Consultation): void {
  const { opinions, silent } = consultation
  const agreeing = new Map<string, Voice<Approve>[]>()
  let denial: Voice<Refuse> | null = null
  for (const opinion of opinions) {
    if (opinion.kind !== 'answer') continue
    const { door, answer } = opinion
    if (answer.verdict === 'deny') {
      denial ??= { door, answer }
      continue
    }
    const key = canonical(answer.grant)
    const voices = [...agreeing.get(key) ?? [], { door, answer }]
    agreeing.set(key, voices)
    if (voices.length === needed) return consultation.settle(together(voices))
  }
  const most = Math.max(0, ...Array.from(agreeing.values(), voices => voices.length))
  if (most + silent >= needed) return
  if (denial !== null) consultation.settle(signed(denial))
  else giveUp(consultation)
}

interface Voice<A> {
  readonly door: string
  readonly answer: A
}

/** Who a door does not name is the door. */
function signed({ door, answer }: Voice<Approve | Refuse>): Answer {
  return { ...answer, by: (answer.by ?? door).slice(0, MAX_BY) }
}

function together(voices: readonly Voice<Approve>[]): Answer {
  const { grant, shown } = voices[0]!.answer
  const notes = voices.flatMap(({ answer: { note } }) => note === undefined ? [] : [note])
  return {
    verdict: 'approve',
    grant,
    ...shown === undefined ? {} : { shown },
    by: voices.map(({ door, answer }) => answer.by ?? door).join(', ').slice(0, MAX_BY),
    ...notes.length === 0 ? {} : { note: notes.join(' | ').slice(0, MAX_NOTE) },
  }
}

const MAX_NOTE = 4_000

/** One text for what means the same: members in one order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => typeof member === 'object' && member !== null && !Array.isArray(member)
    ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => a < b ? -1 : 1))
    : member)
}

const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/
const DAYS: Readonly<Record<string, number>> = { Mon: 1, Tue: 2, Wed: 3, Thu: 4, Fri: 5, Sat: 6, Sun: 7 }

/** @returns whether a time, milliseconds since 1970, is within them */
function readHours({ days = [1, 2, 3, 4, 5], from, to, timeZone }: OfficeHours): (now: number) => boolean {
  const refuse = (problem: string, fix: string): never => { throw new OperatorError('E_OPTION_INVALID', { option: 'officeHours', problem, fix }) }
  const minutes = (text: string): number => {
    const parts = TIME.exec(text) ?? refuse(`"${text}" is no time of day`, 'Write hours and minutes, as in "09:00".')
    return Number(parts[1]) * 60 + Number(parts[2])
  }
  if (days.length === 0 || days.some(day => !Number.isInteger(day) || day < 1 || day > 7)) refuse('the days are not numbers from 1 to 7', 'Monday is 1, Sunday 7.')
  const [begins, ends] = [minutes(from), minutes(to)]
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US', { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23', ...timeZone === undefined ? {} : { timeZone } })
  } catch {
    return refuse(`"${timeZone}" is no time zone`, 'Write an IANA name, as in "Europe/Berlin".')
  }
  return now => {
    const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]))
    const day = DAYS[parts.get('weekday') ?? ''] ?? 0
    const at = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
    if (begins < ends) return days.includes(day) && at >= begins && at < ends
    // Those that last into the next day belong to the day on which they begin.
    return at >= begins ? days.includes(day) : at < ends && days.includes((day + 5) % 7 + 1)
  }
}
