/**
 * What a command did, as a policy, when it is over: `run --suggest FILE`.
 *
 * The file is opened before the command runs and nobody follows its name afterwards: whatever the command does to its
 * folder, the policy is written where the operator meant.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { open, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OperatorError, suggestPolicy } from '../lib/index.ts'
import { spellPolicy, tellSuggested } from './commands/suggest.ts'
import { note } from './notices.ts'

export interface Learning {
  /** A log of this run alone, to be written by the firewall. */
  readonly log: string
  /** Writes the policy; call it once the log is complete. A log that gives none is said, and the file stays empty. */
  finish(): Promise<void>
  /** Nothing ran: nothing is left behind. */
  abandon(): Promise<void>
}

/**
 * @param file  a new file: a policy is never overwritten
 * @param merge  the policy file that the run began with: what it does not allow yet is added to it
 * @throws OperatorError E_OPTION_INVALID where the file cannot be made
 */
export async function openLearning(file: string, merge: string | undefined): Promise<Learning> {
  const base = merge === undefined ? null : { file: merge, text: await readFile(merge, 'utf8').catch(() => null) }
  const handle = await open(file, 'wx').catch((error: unknown) => {
    const code = (error as NodeJS.ErrnoException).code
    throw new OperatorError('E_OPTION_INVALID', code === 'EEXIST'
      ? { option: '--suggest', problem: `${file} exists already, and a policy is never overwritten`, fix: 'Name a new file.' }
      : { option: '--suggest', problem: `${file} cannot be written (${code ?? 'unknown'})`, fix: 'Name a file in a folder that you can write to.' }, error)
  })
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-run-'))
  const log = join(dir, 'audit.jsonl')
  const end = async (): Promise<void> => {
    await handle.close()
    rmSync(dir, { recursive: true, force: true })
  }
  return {
    log,
    async finish() {
      try {
        const suggested = await suggestPolicy(log, base === null ? {} : { merge: base.file })
        await handle.writeFile(spellPolicy(suggested, base?.text ?? null))
        tellSuggested(suggested, merge)
        note(`wrote ${file}: read it before you use it (sallyport check ${file})`)
      } catch (error) {
        note(`${file} is empty, because no policy could be made of this run: ${error instanceof Error ? error.message : String(error)}`)
      } finally {
        await end()
      }
    },
    async abandon() {
      await end()
      rmSync(file, { force: true })
    },
  }
}
