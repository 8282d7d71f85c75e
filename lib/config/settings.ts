/**
 * A configuration file → settings, or every reason why not. It is read as a policy is: nothing is repaired, no key may stand
 * twice, and a secret that stands in it is refused with the place where it belongs.
 */
import { homedir } from 'node:os'
import { dirname, resolve } from 'node:path'
import { isOperatorError } from '../model/errors.ts'
import type { HookDocument, Settings, SettingsDocument } from '../model/settings.ts'
import { parseJson } from './json.ts'
import { below, error } from './problems.ts'
import type { Problem } from './problems.ts'
import { checkSettingsShape } from './schema.ts'
import { readText } from './text.ts'

export type LoadedSettings =
  | { readonly kind: 'settings', readonly settings: Settings }
  | { readonly kind: 'invalid', readonly problems: readonly Problem[] }

/**
 * @param file paths in it are read from its folder on, `~/` from the home of whoever runs us
 */
export async function loadSettings(file: string): Promise<LoadedSettings> {
  const text = await readText(file).catch(unreadable)
  if (text.kind === 'invalid') return { kind: 'invalid', problems: [text.problem] }
  const parsed = parseJson(text.text)
  if (parsed.kind === 'invalid') return parsed
  const problems = checkSettingsShape(parsed.value)
  if (problems.length > 0) return { kind: 'invalid', problems }
  const document = parsed.value as SettingsDocument
  const missing = secretsMissing(document)
  return missing.length > 0 ? { kind: 'invalid', problems: missing } : { kind: 'settings', settings: absolute(document, file) }
}

/** A sentence of ours: its reader's own is about a policy. */
function unreadable(fault: unknown): { readonly kind: 'invalid', readonly problem: Problem } {
  if (!isOperatorError(fault)) throw fault
  return { kind: 'invalid', problem: error('', `The file cannot be read (${fault.details['problem']}).`, 'Check the path and its permissions.') }
}

/** The secrets of each kind of hook, and whether it can do without. */
const SECRETS = { webhook: ['secret', true], telegram: ['token', true], slack: ['url', true], model: ['key', false] } as const

function secretsMissing({ approve = [] }: SettingsDocument): Problem[] {
  const problems: Problem[] = []
  for (const { hook, pointer } of hooksIn(approve, '/approve')) {
    for (const [kind, [name, isNeeded]] of Object.entries(SECRETS)) {
      const given = hook[kind as keyof typeof SECRETS] as Readonly<Record<string, unknown>> | undefined
      if (given === undefined) continue
      const named = [`${name}File`, `${name}Env`].filter(property => given[property] !== undefined)
      if (named.length === 2) problems.push(error(below(pointer, kind), `"${named[0]}" and "${named[1]}" are both given.`, 'Leave one of them out.'))
      if (named.length === 0 && isNeeded) problems.push(error(below(pointer, kind), `Its ${name} is not named.`, `Add "${name}File", the path of a file, or "${name}Env", the name of an environment variable.`))
    }
  }
  return problems
}

function* hooksIn(hooks: readonly HookDocument[], pointer: string): Generator<{ readonly hook: HookDocument, readonly pointer: string }> {
  for (const [at, hook] of hooks.entries()) yield* hooksAt(hook, below(pointer, at))
}

function* hooksAt(hook: HookDocument, pointer: string): ReturnType<typeof hooksIn> {
  yield { hook, pointer }
  for (const kind of ['first', 'all'] as const) yield* hooksIn(hook[kind] ?? [], below(pointer, kind))
  yield* hooksIn(hook.quorum?.of ?? [], below(pointer, 'quorum', 'of'))
  for (const kind of ['escalate', 'officeHours'] as const) {
    for (const [name, inner] of Object.entries(hook[kind] ?? {})) {
      if (['first', 'then', 'during', 'otherwise'].includes(name)) yield* hooksAt(inner as HookDocument, below(pointer, kind, name))
    }
  }
}

/** Members that hold a path, wherever they stand in a hook. */
const PATHS = /^(?:.+File|envelope|instructions)$/

function absolute({ approve = [], sandbox = {} }: SettingsDocument, file: string): Settings {
  const from = dirname(resolve(file))
  const place = (path: string): string => path === '~' || path.startsWith('~/') ? resolve(homedir(), path.slice(2)) : resolve(from, path)
  const placed = JSON.parse(JSON.stringify(approve), (key, value: unknown) => typeof value === 'string' && PATHS.test(key) ? place(value) : value) as HookDocument[]
  const { ro = [], rw = [], hide = [], gpu = false } = sandbox
  return { file, approve: placed, sandbox: { ro: ro.map(place), rw: rw.map(place), hide: hide.map(place), gpu } }
}
