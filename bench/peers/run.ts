/**
 * `npm run scoreboard`: the attack corpus on ourselves and on every peer, and docs/scoreboard.md from it.
 *
 * `-- --check` writes nothing. `-- --only ID` (repeatable) tries these peers alone, and writes nothing either. `-- --json FILE`
 * keeps every result. The exit status is 1 when a line of our own was not held, or a peer could not be tried.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readCases } from '../../lib/conformance/cases.ts'
import { runConformance } from '../../lib/conformance/run.ts'
import type { CaseResult } from '../../lib/conformance/run.ts'
import { packageRoot } from '../../lib/config/package-root.ts'
import { systemClock } from '../../lib/model/clock.ts'
import { VERSION } from '../../lib/version.ts'
import { breachOf } from './breaches.ts'
import { installFromDebian, installFromNpm, installedVersion } from './install.ts'
import { peers } from './peers.ts'
import { picture } from './picture.ts'
import { familyTable, scoreboard } from './scoreboard.ts'
import type { Contender, Scored } from './scoreboard.ts'
import { tryPeer } from './trial.ts'

const { values: { only = [], check = false, json } } = parseArgs({ options: { only: { type: 'string', multiple: true }, check: { type: 'boolean' }, json: { type: 'string' } } })
const chosen = peers.filter(({ id }) => only.length === 0 || only.includes(id))
const cases = new Map(readCases().map(one => [one.id, one]))
const dir = await mkdtemp(join(tmpdir(), 'sallyport-peers-'))
// One that gives up being root finds its files below.
await chmod(dir, 0o711)
try {
  const contenders: Contender[] = []
  if (only.length === 0) contenders.push(await ourselves())
  await installFromDebian(chosen, say)
  await installFromNpm(chosen, await folder('modules'))
  for (const peer of chosen) contenders.push(await contender(peer))
  if (json !== undefined) await writeFile(json, `${JSON.stringify(contenders, null, 2)}\n`)
  if (only.length === 0 && !check) {
    const docs = join(packageRoot(), 'docs')
    await writeFile(join(docs, 'scoreboard.md'), scoreboard(contenders, new Date(systemClock.now()).toISOString().slice(0, 10)))
    await writeFile(join(docs, 'scoreboard.svg'), picture(contenders))
    say('docs/scoreboard.md and docs/scoreboard.svg are written')
  }
  const isSound = contenders.every(({ problem }) => problem === undefined) && contenders.filter(({ docs }) => docs.length === 0).every(({ results }) => results.every(({ verdict }) => verdict === 'held' || verdict === 'inapplicable'))
  process.exitCode = isSound ? 0 : 1
} finally {
  await rm(dir, { recursive: true, force: true })
}

async function ourselves(): Promise<Contender> {
  const results = await runConformance({ subject: { kind: 'ourselves', program: [process.execPath, join(packageRoot(), 'dist', 'bin', 'sallyport.js')] }, only: [], clock: systemClock, onProgress: progress('sallyport') })
  return told({ name: 'sallyport', version: VERSION, about: 'Rules with hosts and access, as the command writes them for itself; asked of it alone is that it answers as it promises, and every door that only it has.', docs: [], results: results.map(scored) })
}

async function contender(peer: typeof peers[number]): Promise<Contender> {
  const { name, about, docs } = peer
  const known = { name, version: installedVersion(peer), about, docs }
  try {
    const results = await tryPeer(peer, { dir: await folder(peer.id), modules: join(dir, 'modules'), onProgress: progress(name) })
    return told({ ...known, results: results.map(scored) })
  } catch (error) {
    say(`${name} could not be tried: ${(error as Error).message}`)
    return { ...known, results: [], problem: (error as Error).message.split('\n')[0]! }
  }
}

function told(one: Contender): Contender {
  say(`\n${one.name} ${one.version}\n${familyTable(one.results)}`)
  return one
}

function scored(result: CaseResult): Scored {
  return { ...result, breach: breachOf(cases.get(result.id)!, result) }
}

async function folder(name: string): Promise<string> {
  const path = join(dir, name)
  await mkdir(path, { recursive: true })
  return path
}

function progress(name: string): (done: number, all: number) => void {
  return (done, all) => { if (process.stderr.isTTY) process.stderr.write(`\r${name}: ${done} of ${all}${done === all ? '\n' : ''}`) }
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
