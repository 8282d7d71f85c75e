/**
 * What a proxy under test must be told: names, addresses, ports and roots. With a folder of its own all of it is the same in
 * every run, so that its configuration can be written once.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../model/clock.ts'
import { openStore } from '../tls/store.ts'
import type { Store } from '../tls/store.ts'
import { PORTS, freeNet } from './net.ts'
import type { Net } from './net.ts'

/** Names and the address of one lane, as long as those of the corpus: a length that is written in a case stays true. */
export interface LaneNames {
  readonly address: string
  /** May be reached; its rule opens private addresses. */
  readonly allowed: string
  /** No rule names it. */
  readonly denied: string
  /** A rule allows it and opens no private address, yet it resolves to one. */
  readonly inside: string
  /** A rule asks the operator's hook about it; only ourselves have one. */
  readonly asked: string
}

export interface Setup {
  /** PEM file of the roots that the origins are signed by. */
  readonly originCa: string
  /** Ports of every origin: of http, and of https. */
  readonly ports: readonly [80, 443]
  /** Of all origins, as `127.80.45.0/24`: one that was free when the folder was made. */
  readonly net: string
  /** Every name and its address, in the form of `/etc/hosts`. */
  readonly hostsFile: string
  readonly lanes: readonly LaneNames[]
}

/** Cases that run side by side. */
export const LANES = 24

export function namesOf(lane: number, net: Net): LaneNames {
  const digits = String(lane).padStart(2, '0')
  return { address: `${net}${lane}`, allowed: `allow${digits}.test`, denied: `deni${digits}.test`, inside: `insi${digits}.test`, asked: `ask${digits}.test` }
}

/**
 * Writes `ca/ca.crt`, `hosts` and `setup.json` into a folder, which is made where it is not there. Roots and
 * addresses that are there already stay.
 *
 * @throws OperatorError when the folder cannot be written. @throws when there is no net for it
 */
export async function prepare(dir: string, clock: Clock): Promise<{ readonly setup: Setup, readonly store: Store }> {
  await mkdir(dir, { recursive: true })
  const store = await openStore(join(dir, 'ca'), { clock })
  const net = await netOf(dir) ?? await freeNet(LANES)
  const lanes = Array.from({ length: LANES }, (_, index) => namesOf(index + 1, net))
  const setup: Setup = { originCa: store.certificatePath, ports: PORTS, net: `${net}0/24`, hostsFile: join(dir, 'hosts'), lanes }
  await writeFile(setup.hostsFile, ['127.0.0.1 localhost', ...lanes.map(({ address, allowed, denied, inside, asked }) => `${address} ${allowed} ${denied} ${inside} ${asked}`), ''].join('\n'))
  await writeFile(join(dir, 'setup.json'), `${JSON.stringify(setup, null, 2)}\n`)
  return { setup, store }
}

/** Of the run before. */
async function netOf(dir: string): Promise<Net | null> {
  try {
    const { net } = JSON.parse(await readFile(join(dir, 'setup.json'), 'utf8')) as Partial<Setup>
    return /^127\.\d+\.\d+\.(?=0\/24$)/.exec(net ?? '')?.[0] ?? null
  } catch {
    // There was none.
    return null
  }
}
