/**
 * Rules that somebody granted for good → the policy file, with everything else in it left as it was written.
 *
 * The promise: the file is the old one or the new one, never half of either, and the new one was validated as a whole.
 * Between the last look at the file and its replacement an editor could still save; what it saved is then lost.
 */
import { randomBytes } from 'node:crypto'
import { open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { RuleDocument } from '../model/policy.ts'
import { invalid, parsePolicy } from './check.ts'
import type { CheckOptions, Loaded } from './check.ts'
import { parseJson } from './json.ts'
import { error } from './problems.ts'
import { readText } from './text.ts'

/** One at a time: of two answers in one moment neither may be lost. */
let last: Promise<unknown> = Promise.resolve()

/** One rule. As `appendRules`. */
export function appendRule(file: string, rule: RuleDocument, options: CheckOptions = {}): Promise<Loaded> {
  return appendRules(file, [rule], options)
}

/**
 * @param file a link is followed, and what it leads to is replaced
 * @returns what now stands in the file; `invalid` where it could not be written or would not be a policy, and then it is as it was
 * @throws OperatorError E_POLICY_UNREADABLE
 */
export async function appendRules(file: string, rules: readonly RuleDocument[], options: CheckOptions = {}): Promise<Loaded> {
  return rewrite(file, (text, before) => ({ text: rules.reduce(withRule, text), rules: [...before, ...rules] }), options)
}

/** What becomes of a policy: its text, and the rules that must then be read from it; null where it is not to be changed. */
export type Edit = (text: string, rules: readonly RuleDocument[]) => { readonly text: string, readonly rules: readonly RuleDocument[] } | null

/**
 * One edit after the other, each of a file that is sound before and after.
 *
 * @returns what now stands in the file, as `appendRules` does
 * @throws OperatorError E_POLICY_UNREADABLE
 */
export async function rewrite(file: string, edit: Edit, options: CheckOptions = {}): Promise<Loaded> {
  const mine = last.then(() => write(file, edit, options))
  last = mine.catch(() => undefined)
  return mine
}

async function write(file: string, edit: Edit, options: CheckOptions): Promise<Loaded> {
  const read = await readText(file)
  if (read.kind === 'invalid') return invalid([read.problem])
  const before = read.text
  const current = parsePolicy(before, options)
  if (current.kind === 'invalid') return current
  const edited = edit(before, current.source.rules ?? [])
  if (edited === null) return { ...current, file }
  const after = edited.text
  const loaded = parsePolicy(after, options)
  if (loaded.kind === 'invalid') return loaded
  const wanted = { ...current.source, rules: edited.rules }
  if (JSON.stringify(loaded.source) !== JSON.stringify(wanted)) throw new Error('the rules would not stand where they were put')
  try {
    const target = await realpath(file)
    if (!await replaceText(target, before, after)) return invalid([error('', 'The file was changed by somebody else meanwhile.', 'Answer again.')])
  } catch (caught) {
    return invalid([error('', `The file cannot be written (${(caught as NodeJS.ErrnoException).code ?? 'unknown'}).`, 'Grant the rule for a time, or let the firewall write to the file and its folder.')])
  }
  return { ...loaded, file }
}

/** @param text a sound policy */
export function withRule(text: string, rule: RuleDocument): string {
  const read = parseJson(text)
  if (read.kind === 'invalid') throw new Error('a policy that was never checked')
  const written = JSON.stringify(rule, null, 1).replace(/\n */g, ' ')
  const rules = read.members.get('rules')
  if (rules === undefined) {
    // A policy has at least its version.
    const end = Math.max(...Array.from(read.members.values(), member => member.end))
    return `${text.slice(0, end)},${indentOf(text, text.indexOf('{') + 1) || ' '}"rules": [${written}]${text.slice(end)}`
  }
  const inside = text.slice(rules.start + 1, rules.end - 1)
  const kept = inside.trimEnd()
  const indent = indentOf(text, rules.start + 1)
  const added = kept === '' ? `${indent}${written}` : `${kept},${indent || ' '}${written}`
  return text.slice(0, rules.start + 1) + added + inside.slice(kept.length) + text.slice(rules.end - 1)
}

/** What stands before the first member: the next one is set like it. */
function indentOf(text: string, from: number): string {
  const space = /[ \t\n\r]*/y
  space.lastIndex = from
  return space.exec(text)?.[0] ?? ''
}

/** @returns false where the file was not what it should have been */
async function replaceText(target: string, before: string, after: string): Promise<boolean> {
  const { mode, uid, gid } = await stat(target)
  const draft = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  try {
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(after)
      // Only root may give a file away; for anybody else it is their own already.
      await handle.chown(uid, gid).catch(() => undefined)
      await handle.chmod(mode & 0o7777)
      await handle.sync()
    } finally {
      await handle.close()
    }
    const now = await readText(target)
    if (now.kind === 'invalid' || now.text !== before) return false
    await rename(draft, target)
    await syncFolder(dirname(target))
    return true
  } finally {
    // Gone already where all went well.
    await rm(draft, { force: true })
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}
