/**
 * Where the CA lives: `ca.crt` and `ca.key` of one folder, read or made.
 *
 * The promises: a CA is made only where there is none, and never replaced; of any number of processes that
 * start at once, all end up with the same one; the key leaves this room in no form (I6). A `Store` carries
 * no key: what signs is kept beside it, and only the files of this room ask for it.
 *
 *   nothing ──stage both──▶ staged ──link ca.key──▶ decided ──link ca.crt──▶ there
 *
 * The link of `ca.key` decides who wins. A process that dies right after it leaves the certificate staged
 * under a name that the key itself gives, so that whoever comes next finishes the work.
 */
import { mkdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Clock } from '../model/clock.ts'
import { OperatorError } from '../model/errors.ts'
import { makeCa, openCa, pairNameOf } from './ca.ts'
import type { Authority, CaPem, NewCa } from './ca.ts'
import { errorCode, publish, readText, syncFolder, writeNew } from './files.ts'

/** A CA, as the rest of the house may know it. */
export interface Store {
  /** Absolute. */
  readonly dir: string
  readonly certificatePem: string
  /** Absolute; for clients to trust. */
  readonly certificatePath: string
  /** SHA-256 of the certificate, in hexadecimal pairs with colons. */
  readonly fingerprint: string
  readonly notAfter: Date
}

export interface StoreOptions {
  readonly clock: Clock
}

/**
 * Opens the CA of a folder, or makes it.
 *
 * @throws OperatorError E_CA_UNREADABLE for whatever is there and cannot be used (half a CA too: only the
 *   absence of both files means that there is none); E_CA_WRITE when it cannot be made
 */
export async function openStore(dir: string, { clock }: StoreOptions): Promise<Store> {
  const place = resolve(dir)
  let pem = readPair(place)
  if (pem === null) {
    makePair(place, makeCa(clock.now()))
    // Read again, by the same rules: another process may have been first.
    pem = readPair(place)
  }
  if (pem === null) throw unreadable(place, 'it vanished while it was being opened')
  const opened = openCa(pem, clock.now())
  if (opened.kind === 'unfit') throw unreadable(place, opened.problem)
  const store: Store = Object.freeze({
    dir: place,
    certificatePem: opened.certificate.toString(),
    certificatePath: join(place, 'ca.crt'),
    fingerprint: opened.certificate.fingerprint256,
    notAfter: new Date(opened.authority.notAfter),
  })
  authorities.set(store, opened.authority)
  return store
}

/** @internal what signs for a store: for this room alone (test/unit/tls/store.test.ts). @throws Error for an object that `openStore` did not make */
export function authorityOf(store: Store): Authority {
  const authority = authorities.get(store)
  if (authority === undefined) throw new Error('not a store that openStore() opened')
  return authority
}

const authorities = new WeakMap<Store, Authority>()

/** @returns null only where neither file exists */
function readPair(dir: string): CaPem | null {
  // The certificate first: it is published last, so where it is seen its key is there too.
  const early = readPart(dir, 'ca.crt')
  const key = readPart(dir, 'ca.key')
  if (key === null && early === null) return null
  if (key === null) throw unreadable(dir, 'ca.key is missing')
  const certificate = early ?? finish(dir, key)
  if (certificate === null) throw unreadable(dir, 'ca.crt is missing')
  return { certificate, key }
}

function readPart(dir: string, name: 'ca.crt' | 'ca.key'): string | null {
  const read = readText(join(dir, name), { isOurs: true, isSecret: name === 'ca.key' })
  if (read.kind === 'unreadable') throw unreadable(dir, `${name}: ${read.problem}`, read.cause)
  return read.kind === 'read' ? read.text : null
}

/** Completes what a process began that has published this key and, so far, no certificate. */
function finish(dir: string, keyPem: string): string | null {
  const pair = pairNameOf(keyPem)
  if (pair === null) throw unreadable(dir, 'ca.key is not an unencrypted private key on P-256')
  try {
    publishCertificate(dir, pair)
  } catch (error) {
    throw unwritable(dir, error)
  }
  return readPart(dir, 'ca.crt')
}

function makePair(dir: string, ca: NewCa): void {
  let isOurs = false
  try {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    writeNew(staged(dir, ca.pair, 'crt'), ca.certificate, 0o644)
    writeNew(staged(dir, ca.pair, 'key'), ca.key, 0o600)
    isOurs = publish(staged(dir, ca.pair, 'key'), join(dir, 'ca.key'))
    if (isOurs) publishCertificate(dir, ca.pair)
  } catch (error) {
    throw unwritable(dir, error)
  } finally {
    // Once the key has its name, whatever fails afterwards must leave its certificate to be found.
    if (!isOurs) removeStaged(dir, ca.pair)
  }
}

function publishCertificate(dir: string, pair: string): void {
  try {
    // The key reaches the disk first, then the certificate, and only then what was staged goes.
    syncFolder(dir)
    publish(staged(dir, pair, 'crt'), join(dir, 'ca.crt'))
    syncFolder(dir)
    removeStaged(dir, pair)
  } catch (error) {
    // Nothing is staged: another process was quicker, or there is no certificate. The look that follows tells.
    if (errorCode(error) !== 'ENOENT') throw error
  }
}

function removeStaged(dir: string, pair: string): void {
  rmSync(staged(dir, pair, 'key'), { force: true })
  rmSync(staged(dir, pair, 'crt'), { force: true })
}

const staged = (dir: string, pair: string, part: 'crt' | 'key'): string => join(dir, `.ca-${pair}.${part}`)

const unreadable = (dir: string, problem: string, cause?: unknown): OperatorError => new OperatorError('E_CA_UNREADABLE', { file: dir, problem }, cause)
const unwritable = (dir: string, cause: unknown): OperatorError => new OperatorError('E_CA_WRITE', { file: dir, problem: errorCode(cause) }, cause)
