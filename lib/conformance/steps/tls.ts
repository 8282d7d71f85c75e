/** A TLS client that chooses its name, protocols, versions and session, and looks at the certificate that it is shown. */
import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions, SecureVersion, TLSSocket } from 'node:tls'
import { asksHead, misread, statusesOf } from '../answers.ts'
import type { Reads } from '../answers.ts'
import { reach } from '../attack.ts'
import { bytesOf } from '../cases.ts'
import type { Bytes } from '../cases.ts'
import { exchange, isOpened, reaches, tunnel } from '../exchange.ts'
import type { Memory, Outcome, World } from './step.ts'

export interface ShakeHands {
  readonly kind: 'tls'
  readonly connect: string
  /** Default: the name of `connect`; null: none. */
  readonly sni?: string | null
  readonly alpn?: readonly string[]
  readonly minVersion?: SecureVersion
  readonly maxVersion?: SecureVersion
  /** Offers the session of the step before. */
  readonly resumes?: boolean
  /** Written when hands were shaken. */
  readonly bytes?: Bytes
  readonly gets: 'handshake' | 'refused' | 'either'
  /** Protocol that is agreed on; '' for none. */
  readonly agrees?: string
  /** The session that was offered is not taken. */
  readonly isFresh?: boolean
  /** Name or address that the leaf must be sound for. */
  readonly leafFor?: string
  readonly reads?: Reads
}

export async function shakeHands(step: ShakeHands, { proxy, clock, doors, caughtUp }: World, memory: Memory): Promise<Outcome> {
  const socket = reach(proxy)
  const opened = isOpened(await tunnel(socket, step.connect, clock))
  const secure = opened ? connectTls({ socket, ...optionsOf(step, memory) }) : null
  secure?.on('session', (session: Buffer) => { memory.session = session })
  const shaken = secure !== null && await reaches(secure, 'secureConnect', clock)
  const facts = shaken ? factsOf(secure) : null
  const bytes = step.bytes === undefined ? '' : bytesOf({ bytes: step.bytes })
  const answer = shaken ? await exchange(secure, { bytes, clock, caughtUp }) : ''
  socket.destroy()
  proxy.heard?.(statusesOf(answer, asksHead(bytes)).length)
  // How another proxy words it is its own matter.
  if (doors === null) return null
  const problem = problemOf(step, facts, answer, bytes)
  return problem === '' ? null : { verdict: 'otherwise', problem }
}

interface Facts { readonly alpn: string, readonly isResumed: boolean, readonly leaf: X509Certificate | null }

function factsOf(secure: TLSSocket): Facts {
  const raw = secure.getPeerCertificate().raw as Buffer | undefined
  return { alpn: secure.alpnProtocol || '', isResumed: secure.isSessionReused(), leaf: raw === undefined ? null : new X509Certificate(raw) }
}

function optionsOf({ connect: authority, sni, alpn, minVersion, maxVersion, resumes }: ShakeHands, { session }: Memory): ConnectionOptions {
  const name = sni === undefined ? authority.replace(/:\d+$/, '') : sni
  return {
    rejectUnauthorized: false,
    // Node sends none for an address, and the name of the host when it is told nothing.
    servername: name === null || isIP(name) !== 0 ? '' : name,
    ...alpn === undefined ? {} : { ALPNProtocols: [...alpn] },
    ...minVersion === undefined ? {} : { minVersion },
    // Old versions need old strength to be offered at all.
    ...maxVersion === undefined ? {} : { maxVersion, ...maxVersion === 'TLSv1' || maxVersion === 'TLSv1.1' ? { minVersion: maxVersion, ciphers: 'DEFAULT:@SECLEVEL=0' } : {} },
    ...resumes === true && session !== null ? { session } : {},
  }
}

function problemOf({ gets, agrees, isFresh, leafFor, reads }: ShakeHands, facts: Facts | null, answer: string, bytes: string): string {
  if (gets !== 'either' && (facts === null) !== (gets === 'refused')) return facts === null ? 'the handshake was refused' : 'hands were shaken'
  if (facts === null) return ''
  if (agrees !== undefined && facts.alpn !== agrees) return `the protocol is ${JSON.stringify(facts.alpn)}`
  if (isFresh === true && facts.isResumed) return 'the session of another was resumed'
  if (leafFor !== undefined) {
    const problem = facts.leaf === null ? 'there is no certificate' : unsound(facts.leaf, leafFor)
    if (problem !== '') return problem
  }
  return reads === undefined ? '' : misread(answer, bytes, reads)
}

const DAY_MS = 86_400_000
/** What browsers take (CA/Browser Forum). */
const MAX_DAYS = 398

function unsound(leaf: X509Certificate, host: string): string {
  const days = (Date.parse(leaf.validTo) - Date.parse(leaf.validFrom)) / DAY_MS
  if (days > MAX_DAYS) return `the leaf is valid for ${days} days`
  if ((isIP(host) === 0 ? leaf.checkHost(host, { subject: 'never' }) : leaf.checkIP(host)) === undefined) return `the leaf names ${leaf.subjectAltName ?? 'nobody'}, not ${host}`
  if (leaf.ca) return 'the leaf may sign others'
  // A leading zero octet keeps the number positive.
  if (!/^[0-9A-F]{16,40}$/.test(leaf.serialNumber) || /^0+$/.test(leaf.serialNumber)) return `the serial number is ${leaf.serialNumber}`
  return ''
}
