/**
 * Tells when a policy file has changed.
 *
 * It looks once a second instead of asking the kernel: editors and orchestrators replace files and the
 * links to them, which is just what notifications lose.
 */
import { stat } from 'node:fs/promises'
import type { Clock } from '../model/clock.ts'

const EVERY_MS = 1_000

/**
 * @param changed  called after the file differs from what it was; never for a file that is missing for a moment
 * @returns how to stop
 */
export function watchFile(file: string, clock: Clock, changed: () => void): () => void {
  let last: string | null = null
  let isLooking = false
  const timer = clock.every(EVERY_MS, () => {
    if (isLooking) return
    isLooking = true
    void fingerprint(file).then(now => {
      isLooking = false
      if (now === null) return
      if (last !== null && now !== last) changed()
      last = now
    })
  })
  void fingerprint(file).then(now => { last ??= now })
  return () => timer.cancel()
}

async function fingerprint(file: string): Promise<string | null> {
  try {
    const { dev, ino, size, mtimeMs } = await stat(file)
    return `${dev}:${ino}:${size}:${mtimeMs}`
  } catch {
    return null
  }
}
