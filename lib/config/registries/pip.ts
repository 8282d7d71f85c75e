/**
 * What pip is set to: its index and the extra ones. Where no index is set, the default is what its own help names.
 */
import { askedUrls, failed } from './run.ts'
import type { Asked, RunTool } from './run.ts'

/** So wide that no line of the help is broken. */
const WIDE = { COLUMNS: '4000', PIP_DISABLE_PIP_VERSION_CHECK: '1' }

export async function askPip(run: RunTool): Promise<Asked> {
  const listed = await run(['python3', '-m', 'pip', 'config', 'list'], WIDE)
  if (listed.kind === 'failed') return failed('pip', listed.problem)
  const settings = readSettings(listed.text)
  const extra = setTo(settings, 'extra-index-url')
  const index = setTo(settings, 'index-url')
  if (index.length > 0) return askedUrls('pip', [...index, ...extra])
  const help = await run(['python3', '-m', 'pip', 'help', 'install'], WIDE)
  const usual = help.kind === 'said' ? /--index-url <url>[^\n]{0,200}\(default (https?:\/\/[^\s)]+)\)/.exec(help.text)?.[1] : undefined
  return usual === undefined ? failed('pip', 'does not say which index it uses') : askedUrls('pip', [usual, ...extra])
}

/** Later ones outrank earlier ones. */
const SECTIONS = ['global', 'install', ':env:'] as const

function setTo(settings: ReadonlyMap<string, string>, option: string): readonly string[] {
  const values = SECTIONS.map(section => settings.get(`${section}.${option}`)).findLast(value => value !== undefined)
  return values?.split(/\s+/).filter(url => url !== '') ?? []
}

/** Lines `section.option='value'`, the value as Python writes a text. */
function readSettings(text: string): ReadonlyMap<string, string> {
  return new Map(text.split('\n').flatMap((line): [string, string][] => {
    const at = line.indexOf('=')
    const value = line.slice(at + 1).trim()
    const isQuoted = value.length >= 2 && /^['"]/.test(value) && value.endsWith(value.charAt(0))
    return at === -1 || !isQuoted ? [] : [[line.slice(0, at).trim(), value.slice(1, -1).replace(/\\[nrt]/g, ' ')]]
  }))
}
