/** `sallyport check` for every policy of the corpus, in one call. */
import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Case } from './cases.ts'
import { textOf } from './steps/policy.ts'
import type { Checked, Checker } from './steps/policy.ts'
import type { Step } from './steps/step.ts'

/** @param program how we are called */
export function createChecker([file, ...before]: readonly [string, ...string[]], dir: string, cases: readonly Case[]): Checker {
  const texts = [...new Set(cases.flatMap(one => one.via === 'steps' ? textsOf(one.steps) : []))]
  let all: Promise<ReadonlyMap<string, Checked>> | null = null

  async function checkAll(): Promise<ReadonlyMap<string, Checked>> {
    const folder = join(dir, 'policies')
    await mkdir(folder)
    const names = await Promise.all(texts.map(async (text, index) => {
      const name = join(folder, `${index}.json`)
      await writeFile(name, text)
      return name
    }))
    const out = await new Promise<string>((resolve, reject) => {
      // It exits with 1 when one of them is refused.
      execFile(file, [...before, 'check', '--json', ...names], { maxBuffer: 2 ** 26 }, (error, out, err) => out === '' ? reject(error ?? new Error(err)) : resolve(out))
    })
    const { files } = JSON.parse(out) as { files: readonly { readonly valid: boolean, readonly problems: readonly unknown[] }[] }
    return new Map(files.map(({ valid, problems }, index) => [texts[index]!, { isValid: valid, says: JSON.stringify(problems) }]))
  }

  return async text => {
    all ??= checkAll()
    return (await all).get(text) ?? { isValid: true, says: 'it was not among those of the corpus' }
  }
}

const textsOf = (steps: readonly Step[]): string[] => steps.flatMap(step => step.kind === 'policy' ? [textOf(step)] : step.kind === 'together' ? textsOf(step.steps) : [])
