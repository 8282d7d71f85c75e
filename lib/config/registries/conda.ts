/** What conda is set to: the URLs of its channels, as it works them out from names and aliases itself. */
import { askedUrls, failed, parseObject } from './run.ts'
import type { Asked, RunTool } from './run.ts'

export async function askConda(run: RunTool): Promise<Asked> {
  const ran = await run(['conda', 'info', '--json'], { CONDA_OFFLINE: 'true' })
  if (ran.kind === 'failed') return failed('conda', ran.problem)
  const channels = parseObject(ran.text)?.['channels']
  if (!Array.isArray(channels)) return failed('conda', 'does not say which channels it is set to')
  // Each channel is told once for each platform: `https://host/channel/linux-64`.
  const urls = channels.flatMap((url: unknown) => typeof url === 'string' ? [url.slice(0, url.lastIndexOf('/'))] : [])
  return askedUrls('conda', urls)
}
