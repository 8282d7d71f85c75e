/**
 * A question as a message in a chat: its text, and what its buttons answer.
 *
 * Pure. A rule that does not stand in the message in full has no button: nobody approves what was not seen.
 */
import { visible } from '../model/display.ts'
import type { Approve, Held, HeldTask, Pending, Refuse, Suggestion } from '../model/hold.ts'

export interface Message {
  readonly text: string
  readonly choices: readonly Choice[]
}

/** One button, and what it answers. */
export interface Choice {
  readonly text: string
  readonly says: string
  readonly answer: Approve | Refuse
}

/** One hour: long enough for a task, short enough to be forgotten about. */
const GRANT_MS = 3_600_000
/** Telegram takes 4,096 characters, and how it ended comes below. */
const MAX_TEXT = 3_500
const MAX_RULES = 3
const MAX_LINE = 500
const MAX_BUTTON = 60
const MAX_RISKS = 5
const MAX_RISK = 200
const DENY: Choice = { text: 'Deny', says: 'Denied', answer: { verdict: 'deny' } }

export function messageOf(held: Pending): Message {
  return held.kind === 'task' ? messageOfTask(held) : messageOfRequest(held)
}

function messageOfRequest(held: Held): Message {
  const { display, group, shown } = held
  const head = [
    `Held: ${visible(display.line, MAX_LINE)}`,
    ...display.asker === '' ? [] : [`by ${visible(display.asker, MAX_LINE)}, as it says`],
    ...display.body === '' ? [] : [`its body begins: ${visible(display.body, MAX_LINE)}`],
    ...group.questions > 1 ? [`one of ${group.questions} questions alike`] : [],
    ...notesOf(held),
  ].join('\n')
  const offered = shownBelow(head, offeredBy(held))
  return {
    text: offered.text,
    choices: [
      { text: 'Once', says: 'Allowed once', answer: { verdict: 'approve', grant: 'once', shown } },
      ...offered.rules.map(({ says, rule }): Choice => ({
        text: visible(`1 h: ${says}`, MAX_BUTTON),
        says: `Allowed for an hour: ${visible(says, MAX_BUTTON)}`,
        answer: { verdict: 'approve', grant: { rule, ttlMs: GRANT_MS }, shown },
      })),
      DENY,
    ],
  }
}

function messageOfTask(held: HeldTask): Message {
  const head = [`Held: ${visible(held.display.line, MAX_LINE)}`, ...notesOf(held)].join('\n')
  const { text, rules } = shownBelow(head, held.rules)
  if (rules.length < held.rules.length) return { text: `${head}\nMore rules than fit here: sallyport pending shows them, sallyport approve ${held.id} approves them.`, choices: [DENY] }
  return { text, choices: [{ text: 'All of it, for an hour', says: 'Allowed for an hour', answer: { verdict: 'approve', grant: { rules: 'asked', ttlMs: GRANT_MS }, shown: held.shown } }, DENY] }
}

/** From narrow to wide; the one that covers the whole group first. */
function offeredBy({ group, suggestions }: Held): readonly Suggestion[] {
  return [...group.suggestion === null ? [] : [group.suggestion], ...suggestions.filter(({ shape }) => shape !== 'exact')].slice(0, MAX_RULES)
}

function notesOf({ risks }: Pending): string[] {
  return risks.slice(0, MAX_RISKS).map(({ says }) => `note: ${visible(says, MAX_RISK)}`)
}

/** The head with the rules below it, as many as fit: each in words, and as it would stand in the policy. */
function shownBelow<R extends Pick<Suggestion, 'says' | 'rule'>>(head: string, offered: readonly R[]): { readonly text: string, readonly rules: readonly R[] } {
  let text = head
  const rules = offered.filter(({ says, rule }) => {
    const longer = `${text}\n1 h: ${visible(says, MAX_LINE)}\n  ${visible(JSON.stringify(rule), MAX_TEXT)}`
    if (longer.length > MAX_TEXT) return false
    text = longer
    return true
  })
  return { text, rules }
}
