/**
 * One peer against the whole corpus. A peer that ends or hangs takes the cases beside it along: those are tried again in
 * smaller and smaller companies, until each verdict is of that case alone.
 */
import { copyFile, mkdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { readCases } from '../../lib/conformance/cases.ts'
import type { CaseResult, Subject } from '../../lib/conformance/run.ts'
import { runConformance } from '../../lib/conformance/run.ts'
import { packageRoot } from '../../lib/config/package-root.ts'
import { systemClock } from '../../lib/model/clock.ts'
import { whyNotAsked } from './applicable.ts'
import type { Peer } from './peers.ts'

export interface TrialOptions {
  /** A folder of the peer's own; others may pass through it, since some peers give up being root. */
  readonly dir: string
  /** Folder in which npm's packages are. */
  readonly modules: string
  /** Cases that have a verdict. */
  readonly onProgress: (done: number, all: number) => void
}

/** @throws when the peer does not start, or does not serve what is allowed */
export async function tryPeer(peer: Peer, { dir, modules, onProgress }: TrialOptions): Promise<readonly CaseResult[]> {
  const cases = readCases()
  const silent = cases.flatMap(one => {
    const problem = whyNotAsked(one, peer.cannotSay)
    return problem === null ? [] : [{ id: one.id, family: one.family, why: one.why, verdict: 'inapplicable' as const, problem }]
  })
  const asked = cases.map(({ id }) => id).filter(id => !silent.some(one => one.id === id))
  let starts = 0
  const start = async (): Promise<Subject> => subjectOf(peer, await folder(join(dir, String(starts++))), modules)
  return [...silent, ...await settle(asked, start, done => onProgress(silent.length + done, cases.length))]
}

/** @param start a subject that nothing has happened to yet */
async function settle(ids: readonly string[], start: () => Promise<Subject>, onSettled: (count: number) => void): Promise<readonly CaseResult[]> {
  const results = await runConformance({ subject: await start(), only: ids, clock: systemClock })
  const ended = results.filter(({ verdict }) => verdict === 'crashed' || verdict === 'hung')
  if (ended.length === 0 || ids.length === 1) {
    onSettled(results.length)
    return results
  }
  const settled = results.filter(one => !ended.includes(one))
  onSettled(settled.length)
  const half = Math.ceil(ended.length / 2)
  const again: CaseResult[] = []
  for (const part of [ended.slice(0, half), ended.slice(half)]) {
    if (part.length > 0) again.push(...await settle(part.map(({ id }) => id), start, count => onSettled(settled.length + again.length + count)))
  }
  return [...settled, ...again]
}

async function subjectOf({ id, setup, ca }: Peer, dir: string, modules: string): Promise<Subject> {
  const folder = join(packageRoot(), 'bench', 'peers', 'setup')
  let file = join(folder, setup)
  const isScript = setup.endsWith('.mjs')
  if (isScript) {
    // Packages are found from where the file is.
    file = join(modules, basename(setup))
    await copyFile(join(folder, setup), file)
  }
  const env = [`PEER_DIR=${quoted(dir)}`, `PEER_SETUP=${quoted(folder)}`, ...isScript ? ['NODE_EXTRA_CA_CERTS="$CONFORMANCE_CA"'] : []]
  const command = `exec env ${env.join(' ')} ${isScript ? quoted(process.execPath) : 'sh'} ${quoted(file)}`
  return { kind: 'command', command: `${command} >${quoted(join(dir, `${id}.log`))} 2>&1`, ...ca === undefined ? {} : { ca: join(dir, ca) } }
}

async function folder(path: string): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o755 })
  return path
}

const quoted = (text: string): string => `'${text.replace(/'/g, String.raw`'\''`)}'`
