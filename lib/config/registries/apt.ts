/** What apt is set to: the repositories of its sources, also of those whose lists were never fetched. */
import { askedUrls, failed } from './run.ts'
import type { Asked, RunTool } from './run.ts'

export async function askApt(run: RunTool): Promise<Asked> {
  const ran = await run(['apt-get', 'indextargets', '--no-release-info', '--format', '$(REPO_URI)'])
  if (ran.kind === 'failed') return failed('apt', ran.problem)
  return askedUrls('apt', ran.text.split('\n').map(line => line.trim()))
}
