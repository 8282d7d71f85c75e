/** What npm is set to: the registry, and those of scopes. `npm config ls` leaves out URLs that hold a password. */
import { askedUrls, failed, parseObject } from './run.ts'
import type { Asked, RunTool } from './run.ts'

export async function askNpm(run: RunTool): Promise<Asked> {
  const ran = await run(['npm', 'config', 'ls', '--json', '--no-update-notifier'])
  if (ran.kind === 'failed') return failed('npm', ran.problem)
  const settings = parseObject(ran.text)
  if (settings === null) return failed('npm', 'said something that is no JSON')
  if (typeof settings['registry'] !== 'string') return failed('npm', 'does not say which registry it is set to, as where the URL holds a password')
  return askedUrls('npm', Object.entries(settings).flatMap(([name, value]) => isRegistry(name) && typeof value === 'string' ? [value] : []))
}

/** `registry`, `@scope:registry` */
const isRegistry = (name: string): boolean => name === 'registry' || (name.startsWith('@') && name.endsWith(':registry'))
