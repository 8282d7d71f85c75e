/**
 * Questions told in a chat channel, by an incoming webhook of Slack's or of what is compatible with it (Mattermost, Rocket.Chat,
 * Discord's `/slack`).
 *
 * It tells and does not answer: such a webhook hears nothing, and a link that answers would be followed by whatever looks at
 * links in a chat. So somebody else decides: the terminal, the console (whose address can go along), the control socket.
 */
import { systemClock } from '../model/clock.ts'
import type { Clock } from '../model/clock.ts'
import { visible } from '../model/display.ts'
import type { Door, Pending } from '../model/hold.ts'
import { readAddress } from './address.ts'
import { postAgain } from './post-again.ts'
import { createTurns } from './turns.ts'

export interface SlackOptions {
  /** Of the incoming webhook, which is a secret. `https:`, or `http:` to a loopback address. */
  readonly url: string
  /** Where the operator answers: the address of the console. Default: none is named. */
  readonly desk?: string
  /** Of one try, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number
  /** In all, the first included; 1 s, 2 s, 4 s … apart. Default: 5. */
  readonly tries?: number
  readonly clock?: Clock
}

const MAX_POSTING = 2
const MAX_LINE = 300
const MAX_RISKS = 5

/** @throws OperatorError E_OPTION_INVALID */
export function slackDoor(options: SlackOptions): Door {
  const { timeoutMs = 10_000, tries = 5, clock = systemClock } = options
  const url = readAddress(options.url, 'slack')
  const desk = options.desk === undefined ? null : readAddress(options.desk, 'slack desk').href
  const turns = createTurns(MAX_POSTING)
  return {
    name: 'slack',
    async ask(held, { signal }) {
      // The oldest of its group was told already, and one answer is enough for all.
      if (held.kind === 'request' && held.group.id !== held.id) return { verdict: 'pass' }
      const endTurn = await turns.take(signal)
      try {
        const { status } = await postAgain({ url, body: JSON.stringify(messageOf(held, desk)), headers: () => ({}), timeoutMs, tries, clock, signal })
        if (status < 200 || status > 299) throw new Error(`answered ${status}`)
      } catch (error) {
        signal.throwIfAborted()
        throw new Error(`the chat's webhook ${(error as Error).message}`)
      } finally {
        endTurn()
      }
      return { verdict: 'pass' }
    },
  }
}

/** Plain text in the blocks; where only `text` is read, the three characters that begin a command there are escaped. */
function messageOf(held: Pending, desk: string | null): object {
  const lines = linesOf(held, desk)
  return {
    text: lines.join('\n').replace(/[&<>]/g, character => ESCAPES[character]!),
    blocks: [{ type: 'section', text: { type: 'plain_text', text: lines.join('\n'), emoji: false } }],
    unfurl_links: false,
    unfurl_media: false,
  }
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' }

function linesOf(held: Pending, desk: string | null): string[] {
  const lines = [`Held: ${visible(held.display.line, MAX_LINE)}`]
  if (held.kind === 'request' && held.display.asker !== '') lines.push(`by ${held.display.asker}, as it says`)
  if (held.kind === 'request' && held.display.body !== '') lines.push(`its body begins: ${visible(held.display.body, MAX_LINE)}`)
  for (const { says } of held.risks.slice(0, MAX_RISKS)) lines.push(`note: ${visible(says, MAX_LINE)}`)
  lines.push(`Question ${held.id}. Answer at the desk${desk === null ? '' : ` (${desk})`}, or: sallyport approve ${held.id}`)
  return lines
}
