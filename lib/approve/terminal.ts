/**
 * The operator's terminal, as a door: one question at a time, one key to answer it.
 *
 *   waiting in line ──▶ shown ──300 ms──▶ keys count ──key──▶ answered
 *          └───────────────┴──── settled elsewhere ────┴──▶ said so, and the next is shown
 *
 * Whatever happens, the terminal is left as it was found: raw mode only lasts while a question is shown.
 */
import { systemClock, type Clock } from '../model/clock.ts'
import type { Answer, Door, HeldGroup, Pending } from '../model/hold.ts'
import { createKeyReader, type Key } from './keys.ts'
import { HELP, groupOf, offered, offeredToGroup, renderQuestion } from './question.ts'
import { isShowable, renderTask } from './task.ts'

/** What we need of a `tty.ReadStream`. */
export interface TerminalInput extends NodeJS.ReadableStream {
  setRawMode(isRaw: boolean): unknown
}

/** What we need of a `tty.WriteStream`. */
export interface TerminalOutput extends NodeJS.WritableStream {
  readonly columns?: number
}

/** A key meant for the question before must not answer this one. */
const SHOWN_MS = 300

/** A question that more like it joined is shown again, this often at most. */
const AGAIN_MS = 2_000

interface Asked {
  readonly held: Pending
  /** As it was shown last: key `g` approves that and nothing newer, once it has been on the screen for a moment. */
  group: { readonly shown: HeldGroup, keyCounts: boolean }
  readonly answer: (answer: Answer) => void
  readonly fail: (reason: unknown) => void
  keysCount: boolean
}

/** `close()` gives the terminal back; the questions that are still open fail here and stay open elsewhere. */
export function terminalDoor({ input, output, clock = systemClock }: {
  readonly input: TerminalInput
  readonly output: TerminalOutput
  readonly clock?: Clock
}): Door & { close(): void } {
  const keys = createKeyReader(clock)
  /** The first is the one that is shown. */
  const line: Asked[] = []
  let problem: string | null = null
  let isRaw = false
  let isShowingAgain = false

  const say = (text: string): void => { output.write(`${text}\n`) }

  const setRaw = (wanted: boolean): void => {
    if (isRaw === wanted) return
    isRaw = wanted
    if (wanted) process.on('exit', restore)
    else process.off('exit', restore)
    input.setRawMode(wanted)
  }
  const restore = (): void => {
    try {
      setRaw(false)
    } catch {
      // The terminal has gone: there is nothing to restore.
    }
  }

  const showNext = (): void => {
    const [asked] = line
    if (asked === undefined) {
      restore()
      input.pause()
      return
    }
    try {
      setRaw(true)
    } catch {
      return stop('the terminal has gone')
    }
    // What was typed until now arrives while keys do not count yet: that drains the input.
    input.resume()
    show(asked)
  }

  const show = (asked: Asked): void => {
    const like = line.filter(other => groupOf(other.held).id === groupOf(asked.held).id)
    const shown = groupOf((like.at(-1) ?? asked).held)
    const group = { shown, keyCounts: false }
    asked.group = group
    const options = { columns: output.columns ?? 0, behind: line.length - like.length, group: shown }
    say(asked.held.kind === 'task' ? renderTask(asked.held, options) : renderQuestion(asked.held, options))
    // After a pause of the process the timer runs before the input is read; one more turn, and what was typed meanwhile is gone too.
    clock.after(SHOWN_MS, () => setImmediate(() => {
      group.keyCounts = true
      asked.keysCount = true
    }))
  }

  /** More of the group that is shown: said once for many. */
  const joined = (late: Asked): void => {
    const [asked] = line
    if (asked === undefined || asked === late || isShowingAgain || groupOf(late.held).id !== groupOf(asked.held).id) return
    isShowingAgain = true
    clock.after(AGAIN_MS, () => {
      isShowingAgain = false
      if (line[0] === asked && problem === null) show(asked)
    })
  }

  /** @param words  what is said if it was the one that is shown */
  const remove = (asked: Asked, words: string): void => {
    const place = line.indexOf(asked)
    if (place === -1) return
    line.splice(place, 1)
    if (place > 0) return
    say(words)
    showNext()
  }

  const press = (asked: Asked, key: Exclude<Key, 'interrupt'>): void => {
    if (key === '?') return say(HELP)
    if (key === 'g' && !asked.group.keyCounts) return
    const answered = answerOf(key, asked.held, asked.group.shown)
    if (answered === null) return
    asked.answer(answered.answer)
    remove(asked, `  You said: ${answered.says}`)
  }

  const onData = (piece: Buffer | string): void => {
    const key = keys.read(typeof piece === 'string' ? piece : piece.toString('latin1'))
    if (key === 'interrupt') {
      // Raw mode took from the kernel what it does for Ctrl-C; we do it in its place.
      restore()
      process.kill(process.pid, 'SIGINT')
      return
    }
    const [asked] = line
    if (key !== null && asked?.keysCount === true) press(asked, key)
  }

  const stop = (because: string): void => {
    if (problem !== null) return
    problem = because
    restore()
    input.off('data', onData).off('end', onGone)
    input.pause()
    for (const asked of line.splice(0)) asked.fail(new Error(because))
  }
  const onGone = (): void => stop('the terminal has gone')

  input.on('data', onData).on('end', onGone)
  // Left in place after close(): an error that comes late must not end the process.
  input.on('error', onGone)
  output.on('error', onGone)
  // Adding a 'data' listener set it flowing; it is read only while something is asked.
  input.pause()

  return {
    name: 'terminal',
    ask: (held, { signal }) => new Promise((answer, fail) => {
      if (problem !== null) return fail(new Error(problem))
      if (signal.aborted) return fail(signal.reason)
      const settled = (): void => {
        remove(asked, '  No longer asked: it was settled elsewhere, or its time is over.')
        fail(signal.reason)
      }
      const free = (): void => signal.removeEventListener('abort', settled)
      const asked: Asked = {
        held,
        group: { shown: groupOf(held), keyCounts: false },
        answer: given => { free(); answer(given) },
        fail: reason => { free(); fail(reason) },
        keysCount: false,
      }
      signal.addEventListener('abort', settled, { once: true })
      if (line.push(asked) === 1) showNext()
      else joined(asked)
    }),
    close: () => stop('the terminal was closed for questions'),
  }
}

function answerOf(key: Exclude<Key, 'interrupt' | '?'>, held: Pending, group: HeldGroup): { readonly answer: Answer, readonly says: string } | null {
  switch (key) {
    case 'a': return held.kind === 'task'
      ? !isShowable(held) ? null : { answer: { verdict: 'approve', grant: { rules: 'asked' } }, says: 'approve what it asks for, until the firewall stops.' }
      : { answer: { verdict: 'approve', grant: 'once' }, says: 'approve it, once.' }
    case 'r': return { answer: { verdict: 'deny' }, says: 'reject it.' }
    case 's': return { answer: { verdict: 'pass' }, says: 'skip it.' }
    case 'g': {
      const forAll = offeredToGroup(group)
      return forAll === null ? null : { answer: { verdict: 'approve', grant: { rule: forAll.rule } }, says: 'approve the rule for all, until the firewall stops.' }
    }
    default: {
      const suggestion = held.kind === 'task' ? undefined : offered(held)[Number(key) - 1]
      if (suggestion === undefined) return null
      return { answer: { verdict: 'approve', grant: { rule: suggestion.rule } }, says: `approve rule ${key}, until the firewall stops.` }
    }
  }
}
