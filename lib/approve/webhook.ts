/**
 * A program of the operator's behind a URL, as a door: each question is posted to it, signed, and answered at once or later.
 *
 *   POST url  {"event":"question","held":{…},"callback":"https://…"}
 *     200 with an answer as JSON    that is the answer
 *     200 without a body, 204       no opinion
 *     202                           the answer will be posted to `callback`
 *     429, 5xx, no connection       tried again, later each time
 *     anything else                 the door is closed for this question
 *
 * The promise: nobody answers who does not hold the secret or was not given the callback of this very question, and a callback
 * is spent by its first answer.
 */
import { systemClock } from '../model/clock.ts'
import type { Clock } from '../model/clock.ts'
import { visible } from '../model/display.ts'
import { OperatorError } from '../model/errors.ts'
import type { Answer, Door } from '../model/hold.ts'
import { readAddress } from './address.ts'
import type { Callbacks } from './callback.ts'
import { postAgain } from './post-again.ts'
import type { Heard } from './post-again.ts'
import { sign } from './signature.ts'
import { createTurns } from './turns.ts'

export interface WebhookOptions {
  /** `https:`, or `http:` to a loopback address. */
  readonly url: string
  /** Shared with the other side; at least 16 characters. */
  readonly secret: string
  /** Where later answers are taken (`openCallbacks`). Default: nowhere, and 202 is a failure. */
  readonly callbacks?: Callbacks
  /** Of one try, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number
  /** In all, the first included; 1 s, 2 s, 4 s … apart. Default: 5. */
  readonly tries?: number
  readonly clock?: Clock
}

/** Questions that are being posted at once; those beyond wait in order. */
const MAX_POSTING = 8
const MAX_PROBLEM = 200

/** @throws OperatorError E_OPTION_INVALID */
export function webhookDoor(options: WebhookOptions): Door {
  const { secret, callbacks, timeoutMs = 10_000, tries = 5, clock = systemClock } = options
  const url = readAddress(options.url, 'webhook')
  if (secret.length < 16) refuse('the secret has fewer than 16 characters', 'Make one with `openssl rand -hex 32`.')
  const turns = createTurns(MAX_POSTING)

  async function postUntilAnswered(body: string, signal: AbortSignal): Promise<Heard> {
    const endTurn = await turns.take(signal)
    try {
      return await postAgain({ url, body, headers: () => sign(secret, body, clock.now()), timeoutMs, tries, clock, signal })
    } catch (error) {
      signal.throwIfAborted()
      throw new Error(`the webhook ${(error as Error).message}`)
    } finally {
      endTurn()
    }
  }

  return {
    name: 'webhook',
    async ask(held, { signal }) {
      const later = callbacks?.expect(signal) ?? null
      try {
        const { status, text } = await postUntilAnswered(JSON.stringify({ event: 'question', held, ...later === null ? {} : { callback: later.url } }), signal)
        if (status === 202) return later === null ? fail('it answered 202, and there is no callback to answer later') : await later.answer
        if (status === 204 || (status === 200 && text.trim() === '')) return { verdict: 'pass' }
        if (status !== 200) return fail(`it answered ${status}`)
        return parse(text)
      } finally {
        later?.forget()
      }
    },
  }
}

function fail(problem: string): never {
  throw new Error(`the webhook cannot be heard: ${problem}`)
}

/** The queue parses what it means. */
function parse(text: string): Answer {
  try {
    return JSON.parse(text) as Answer
  } catch {
    return fail(`it answered something that is not JSON: "${visible(text, MAX_PROBLEM)}"`)
  }
}

function refuse(problem: string, fix: string): never {
  throw new OperatorError('E_OPTION_INVALID', { option: 'webhook', problem, fix })
}
