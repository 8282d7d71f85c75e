/** `sallyport suggest`: a policy from what a log shows. */
import { readFile, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { OperatorError, addSuggested, suggestPolicy, withSuggested } from '../../lib/index.ts'
import type { SuggestedPolicy } from '../../lib/index.ts'
import { printJson } from '../output.ts'

interface SuggestOptions {
  readonly merge?: string
  readonly write?: string | true
  readonly name?: string
  readonly json?: boolean
}

export function addSuggest(program: Command): void {
  program.command('suggest')
    .description('a policy from what an audit log shows as let through, to read before it is used')
    .argument('<log>', 'the audit log; its rotated files are read too')
    .option('--merge <policy>', 'add to this policy what it does not allow yet, and say what of it was never used')
    .option('--write [file]', 'write the policy there instead of to standard output; without a file, into the policy that is merged')
    .option('--name <name>', 'name of the new policy')
    .option('--json', 'print JSON: policy, rules with what each stands for, leftOut, unused')
    .addHelpText('after', `
  $ sallyport run --observe --audit audit.jsonl -- npm test        for a run that you trust; or serve with "unmatched": "observe"
  $ sallyport suggest audit.jsonl > policy.json                   what it did, as rules
  $ sallyport check policy.json

The policy goes to standard output and what there is to say about it to standard error. A "*" in a path stands where
what was asked for varied. Docs: docs/learn.md.`)
    .action(async (log: string, options: SuggestOptions) => {
      const { merge, name } = options
      const suggested = await suggestPolicy(log, { ...merge === undefined ? {} : { merge }, ...name === undefined ? {} : { name } })
      if (options.write !== undefined) await write(suggested, options)
      if (options.json) return printJson(suggested)
      tellSuggested(suggested, merge)
      if (options.write === undefined) process.stdout.write(spellPolicy(suggested, merge === undefined ? null : await readFile(merge, 'utf8')))
    })
}

/** The text of the policy. @param merged  text of the policy that was merged; null: none was */
export function spellPolicy(suggested: SuggestedPolicy, merged: string | null): string {
  return merged === null ? spell(suggested) : withSuggested(merged, suggested)
}

async function write(suggested: SuggestedPolicy, { write, merge }: SuggestOptions): Promise<void> {
  const file = write === true ? merge : write
  if (file === undefined) throw new OperatorError('E_OPTION_INVALID', { option: '--write', problem: 'there is no file to write to', fix: 'Name one, or merge a policy: --merge policy.json.' })
  if (file === merge) return addSuggested(file, suggested)
  try {
    await writeFile(file, spellPolicy(suggested, merge === undefined ? null : await readFile(merge, 'utf8')))
  } catch (error) {
    throw new OperatorError('E_OPTION_INVALID', { option: file, problem: `it cannot be written (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, fix: 'Name a file in a folder that you can write to.' }, error)
  }
}

/** A rule on a line of its own, a list of many paths on lines of their own. */
function spell({ policy: { rules = [], ...head } }: SuggestedPolicy): string {
  const lines = rules.map(rule => {
    const line = JSON.stringify(rule)
    return line.length <= 140 ? line : JSON.stringify(rule, null, 2).replaceAll('\n', '\n    ')
  })
  const members = JSON.stringify(head, null, 2).slice(0, -2)
  return `${members},\n  "rules": [${lines.map(line => `\n    ${line}`).join(',')}${lines.length === 0 ? '' : '\n  '}]\n}\n`
}

const MAX_TOLD = 40
const MAX_PATHS = 12

/** What there is to say of it, on standard error. @param merge  the policy that was merged */
export function tellSuggested({ rules, leftOut, unused, requests, unreadable }: SuggestedPolicy, merge: string | undefined): void {
  const known = merge === undefined ? '' : `, ${requests.known} of them allowed by ${merge} already`
  note(`${number(requests.allowed, 'request')} let through${known}; ${requests.refused} were not, and count for nothing`)
  if (unreadable > 0) note(`${number(unreadable, 'line')} of the log could not be read`)
  for (const { rule, requests, paths, examples } of rules.slice(0, MAX_TOLD)) {
    note(`${rule.id}: ${number(requests, 'request')}${paths.length === 0 ? `, to ${examples.join(', ')}` : ''}`)
    for (const { path, methods, requests, examples } of paths.slice(0, MAX_PATHS)) {
      note(`  ${methods.join(' ')} ${path}  ${requests}×${path.includes('*') ? `, for example ${examples.join(', ')}` : ''}`)
    }
    if (paths.length > MAX_PATHS) note(`  and ${paths.length - MAX_PATHS} paths more`)
  }
  if (rules.length > MAX_TOLD) note(`and ${rules.length - MAX_TOLD} rules more; --json has all`)
  for (const { place, requests, why } of leftOut.slice(0, MAX_TOLD)) note(`left out: ${place} (${number(requests, 'request')}): ${why}`)
  if (leftOut.length > MAX_TOLD) note(`and ${leftOut.length - MAX_TOLD} left out more; --json has all`)
  if (unused.length > 0) note(`never used in this log: ${unused.join(', ')}`)
}

function number(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}

function note(text: string): void {
  process.stderr.write(`sallyport: ${text}\n`)
}
