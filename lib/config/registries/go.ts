/** What Go is set to: its module proxies and its checksum database. `direct`, the hosts of the modules themselves, is in neither. */
import { askedUrls, failed, parseObject } from './run.ts'
import type { Asked, RunTool } from './run.ts'

export async function askGo(run: RunTool): Promise<Asked> {
  const proxy = await readSetting(run, 'GOPROXY')
  return typeof proxy === 'string' ? askedUrls('go', proxy.split(/[,|]/).map(url => url.trim())) : proxy
}

/** `off`; a name, which is its host as well; or a name with its key and perhaps a URL. */
export async function askGoSums(run: RunTool): Promise<Asked> {
  const database = await readSetting(run, 'GOSUMDB')
  if (typeof database !== 'string') return database
  const [name = '', url] = database.trim().split(/\s+/)
  if (name === 'off' || name === '') return { kind: 'urls', urls: [] }
  return askedUrls('go', [url ?? `https://${name.split('+')[0]}`])
}

async function readSetting(run: RunTool, name: string): Promise<string | Asked> {
  // GOTOOLCHAIN: a toolchain that is missing would be fetched.
  const ran = await run(['go', 'env', '-json', name], { GOTOOLCHAIN: 'local' })
  if (ran.kind === 'failed') return failed('go', ran.problem)
  const value = parseObject(ran.text)?.[name]
  return typeof value === 'string' ? value : failed('go', `does not say what ${name} is set to`)
}
