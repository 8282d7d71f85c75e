/** Gets the peers for one run: npm's into a folder that is removed afterwards, Debian's into the machine, which is said first. */
import { execFile, execFileSync } from 'node:child_process'
import { promisify } from 'node:util'
import type { Peer } from './peers.ts'

const run = promisify(execFile)

/** npm's packages, in the versions that are pinned, without their scripts. @returns once all are there */
export async function installFromNpm(peers: readonly Peer[], dir: string): Promise<void> {
  const wanted = peers.flatMap(({ from }) => from.kind === 'npm' ? [`${from.package}@${from.version}`] : [])
  if (wanted.length > 0) await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--prefix', dir, ...wanted])
}

/** @param say hears what is installed, before it is. @throws when something is missing and we are not root */
export async function installFromDebian(peers: readonly Peer[], say: (line: string) => void): Promise<void> {
  const wanted = [...new Set(peers.flatMap(({ from }) => from.packages ?? []))]
  const missing = wanted.filter(name => versionOf(name) === null)
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) throw new Error(`not installed, and only root may: ${missing.join(' ')}`)
  say(`apt-get install ${missing.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update', '-q'], { env })
  await run('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...missing], { env, maxBuffer: 2 ** 26 })
}

/** What the scoreboard calls it. */
export const installedVersion = ({ from }: Peer): string => from.kind === 'npm' ? from.version : versionOf(from.packages[0]) ?? 'unknown'

function versionOf(name: string): string | null {
  try {
    const [status, version] = execFileSync('dpkg-query', ['-W', '-f', '${db:Status-Status} ${Version}', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split(' ')
    return status === 'installed' ? version! : null
  } catch {
    // It knows no such package.
    return null
  }
}
