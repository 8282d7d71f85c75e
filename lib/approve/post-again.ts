/** One POST, tried again where that may help: no connection, 429, 5xx; later each time, and not for ever. */
import type { Clock } from '../model/clock.ts'
import { post } from './post.ts'
import type { Post } from './post.ts'

export interface PostAgain extends Omit<Post, 'headers'> {
  /** Made anew for each try: a signature has its time. */
  headers(): Readonly<Record<string, string>>
  /** In all, the first included. */
  readonly tries: number
}

export interface Heard {
  readonly status: number
  readonly text: string
}

const FIRST_PAUSE_MS = 1_000

/**
 * @returns what was answered, with whatever other status
 * @throws the signal's reason; an Error that says what went wrong last
 */
export async function postAgain({ headers, tries, ...once }: PostAgain): Promise<Heard> {
  const { clock, signal } = once
  for (let tried = 1, pauseMs = FIRST_PAUSE_MS; ; tried++, pauseMs *= 2) {
    const posted = await post({ ...once, headers: headers() })
    const problem = posted.kind === 'failed' ? posted.problem : isWorthATry(posted.status) ? `it answered ${posted.status}` : null
    if (posted.kind === 'answered' && problem === null) return posted
    if (tried >= tries) throw new Error(`failed ${tries === 1 ? 'once' : `${tries} times`}: ${problem}`)
    await pause(pauseMs, clock, signal)
  }
}

function isWorthATry(status: number): boolean {
  return status === 429 || status >= 500
}

function pause(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = clock.after(ms, () => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  })
}
