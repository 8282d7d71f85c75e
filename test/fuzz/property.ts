/**
 * What the fuzz tests have in common: so many random inputs, those of the corpus first, and a failure that can be had again.
 *
 * `SEED=…` repeats a run, `FUZZ_CASES=…` multiplies the number of cases (1 by default), `FUZZ_KEEP=1` writes the input
 * that failed into the corpus of its target: `corpus/<target>.json`, a list with one entry for each input.
 */
import fc from 'fast-check'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Test } from 'tap'

export const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31)) | 0
const TIMES = Number(process.env['FUZZ_CASES'] ?? 1)
/** Longer texts hide what went wrong. */
const MAX_SHOWN = 1_000

export interface Target<T> {
  /** Of the corpus. */
  readonly name: string
  /** A sentence that is true or a bug. */
  readonly says: string
  readonly cases: number
  readonly inputs: fc.Arbitrary<T>
}

/** @param check returns what is wrong, or null; what it throws is wrong too */
export async function holds<T>(t: Test, { name, says, cases, inputs }: Target<T>, check: (input: T) => string | null | Promise<string | null>): Promise<void> {
  const property = fc.asyncProperty(inputs, async input => {
    const wrong = await check(input)
    if (wrong !== null) throw new Error(wrong)
  })
  const result = await fc.check(property, {
    seed: SEED,
    numRuns: Math.ceil(cases * TIMES),
    examples: corpusOf(name).map(input => [input as T]),
    // A run by hand is to end, and a shrunk input is worth half a minute.
    interruptAfterTimeLimit: TIMES > 1 ? 600_000 : 60_000,
  })
  if (!result.failed) return void t.pass(`${says} (${result.numRuns} inputs)`)
  const [input] = result.counterexample ?? []
  if (process.env['FUZZ_KEEP'] === '1') keep(name, input)
  t.fail(`${says} (SEED=${SEED})`, { input: fc.stringify(input).slice(0, MAX_SHOWN), wrong: String(result.errorInstance instanceof Error ? result.errorInstance.stack : result.errorInstance).slice(0, MAX_SHOWN) })
}

function corpusOf(name: string): readonly unknown[] {
  try {
    return JSON.parse(readFileSync(fileOf(name), 'utf8')) as unknown[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

function keep(name: string, input: unknown): void {
  const known = corpusOf(name)
  const text = JSON.stringify(input)
  if (known.some(entry => JSON.stringify(entry) === text)) return
  writeFileSync(fileOf(name), `[\n${[...known, input].map(entry => `  ${JSON.stringify(entry)}`).join(',\n')}\n]\n`)
}

const fileOf = (name: string): URL => new URL(`corpus/${name}.json`, import.meta.url)

/** A text made of pieces that mean something to its reader, with some of any byte between them. */
export function textOf(pieces: readonly string[], most = 12): fc.Arbitrary<string> {
  const piece = fc.oneof({ weight: 8, arbitrary: fc.constantFrom(...pieces) }, { weight: 1, arbitrary: anyByte })
  return fc.array(piece, { maxLength: most }).map(parts => parts.join(''))
}

/** One character for one byte. */
export const anyByte = fc.integer({ min: 0, max: 255 }).map(code => String.fromCharCode(code))

/** Bytes as text of one character each, so that a corpus can hold them. */
export const bytesIn = (text: string): Uint8Array => Uint8Array.from(text, character => character.charCodeAt(0))
