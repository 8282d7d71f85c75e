/** What apt is set to: the repositories of its sources. Those that it reads from a disk are left out. */
import { askedUrls, failed } from './run.ts'
import type { Asked, RunTool } from './run.ts'

export async function askApt(run: RunTool): Promise<Asked> {
  const ran = await run(['apt-get', 'indextargets', '--format', '$(REPO_URI)'])
  if (ran.kind === 'failed') return failed('apt', ran.problem)
  return askedUrls('apt', ran.text.split('\n').map(line => line.trim()).filter(line => /^https?:\/\//.test(line)))
}
