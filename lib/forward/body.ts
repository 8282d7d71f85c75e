/**
 * Somebody's body, lent: counted against a cap, with backpressure, and not owned. Whoever takes it may
 * destroy it, and the connection that it comes from lives on (undici destroys every body that it is given).
 */
import { Readable } from 'node:stream'
import type { ByteMeter } from '../model/budget.ts'

export interface Borrower {
  /** More than the cap came; nothing further is handed on. */
  over(): void
  /** More came than a budget has left; nothing further is handed on. */
  spent(): void
  /** The source closed before its end. */
  broken(): void
}

/**
 * @param max bytes; null: no cap
 * @param meter of the budgets that it counts against; null: none
 * @returns a stream that ends as the source does; it fails where the source closes before its end, after `broken` was called
 */
export function lend(source: NodeJS.ReadableStream, max: number | null, tell: Borrower, meter: ByteMeter | null = null): Readable {
  let bytes = 0
  let state: 'untouched' | 'lent' | 'given-back' = 'untouched'
  const body = new Readable({
    read() {
      if (state === 'untouched') take()
      if (state === 'lent') source.resume()
    },
    destroy(error, done) {
      giveBack()
      done(error)
    },
  })
  // Whoever took it may have stopped listening.
  body.on('error', () => {})

  function take(): void {
    state = 'lent'
    source.on('data', onData)
    source.once('end', onEnd)
    source.once('close', onBroken)
    // Stays: what fails after it was given back fails for nobody here.
    source.on('error', onBroken)
    if ((source as Readable).destroyed) onBroken()
  }

  function giveBack(): void {
    if (state === 'lent' && !(source as Readable).readableEnded) source.pause()
    state = 'given-back'
    source.off('data', onData)
    source.off('end', onEnd)
    source.off('close', onBroken)
  }

  function onData(chunk: Uint8Array): void {
    bytes += chunk.length
    if (max !== null && bytes > max) {
      giveBack()
      tell.over()
    } else if (meter !== null && !meter.take(chunk.length)) {
      giveBack()
      tell.spent()
    } else if (!body.push(chunk)) source.pause()
  }

  function onEnd(): void {
    giveBack()
    body.push(null)
  }

  function onBroken(): void {
    if (state !== 'lent') return
    giveBack()
    tell.broken()
    body.destroy(new Error('the body broke off'))
  }

  return body
}
