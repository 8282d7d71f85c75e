/** What the soak and the firewall under it say to each other. */

export interface SubjectOptions {
  readonly folder: string
  readonly audit: string
  readonly origin: number
  /** Milliseconds that a write of the log takes, as on a disk that is slow; default: none. */
  readonly slowMs?: number
}

/** What is open in the process. */
export interface Measure {
  readonly descriptors: number
  readonly sockets: number
  readonly timers: number
  readonly heapBytes: number
  readonly waiting: number
  readonly questions: number
  readonly grants: number
  readonly flows: number
}

/** `grant`: approves what is asked, for a second. `back` and `forth`: sets the wall clock by an hour. */
export type Told = 'measure' | 'reload' | 'answer' | 'grant' | 'back' | 'forth' | 'close'
export const GRANT_MS = 1_000
