/**
 * What cargo is set to: the registries that it names, and those that stand in for its default. The default itself
 * cargo does not tell, so a machine without such settings has to name the index in the policy.
 *
 * `cargo config get` is not stable yet; RUSTC_BOOTSTRAP is how a stable cargo is asked for it.
 */
import { askedUrls, failed, parseObject } from './run.ts'
import type { Asked, RunTool } from './run.ts'

export async function askCargo(run: RunTool): Promise<Asked> {
  const ran = await run(['cargo', '-Zunstable-options', 'config', 'get', '--format', 'json'], { RUSTC_BOOTSTRAP: '1', CARGO_NET_OFFLINE: 'true' })
  if (ran.kind === 'failed') return failed('cargo', ran.problem)
  const settings = parseObject(ran.text)
  if (settings === null) return failed('cargo', 'said something that is no JSON')
  const urls = [...textsOf(settings['source'], 'registry'), ...textsOf(settings['registries'], 'index')]
    .map(url => url.replace(/^sparse\+/, ''))
  if (urls.length === 0) return failed('cargo', 'is set to no registry but its default, and does not say which that is')
  return askedUrls('cargo', urls)
}

/** The texts called `name` of each member of a table. */
function textsOf(table: unknown, name: string): readonly string[] {
  if (typeof table !== 'object' || table === null) return []
  return Object.values(table).flatMap((entry: unknown) => {
    const value = typeof entry === 'object' && entry !== null && name in entry ? (entry as Record<string, unknown>)[name] : undefined
    return typeof value === 'string' ? [value] : []
  })
}
