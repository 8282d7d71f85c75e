/**
 * Looks at clients that could answer their own questions: they run as our own user in our own namespaces.
 * By default that is said once; with `strict` such a client is refused.
 */
import type { Duplex } from 'node:stream'
import { inspectPeer } from './control/peer.ts'
import type { Peer } from './control/peer.ts'
import type { Clock } from './model/clock.ts'

const OWN = 'a client runs as the firewall\'s own user on the same machine: it could open the control socket and answer its own questions. Run agents as another user or in a container (or refuse such clients with --strict).'
const UNKNOWN = 'the kernel\'s table of sockets cannot be read, so clients that could answer their own questions cannot be told.'
/** Reading the table costs time that grows with it; without `strict` it only makes a warning. */
const EVERY_MS = 1_000

/**
 * @returns asked for each connection; null: it may go on at once, else a promise of the reason to refuse it, or of null
 */
export function createInspection(isStrict: boolean, clock: Clock, warn: (says: string) => void): (socket: Duplex) => Promise<string | null> | null {
  const uid = process.getuid?.()
  let next = 0
  let isKnown = false
  return socket => {
    if (uid === undefined) return isStrict ? Promise.resolve(UNKNOWN) : null
    const peer = socket as Peer & Duplex
    if (isStrict) return inspectPeer(peer, uid).then(kind => kind === 'own' ? OWN : null, () => UNKNOWN)
    if (isKnown || clock.elapsed() < next) return null
    next = clock.elapsed() + EVERY_MS
    inspectPeer(peer, uid).then(kind => {
      if (kind !== 'own') return
      isKnown = true
      warn(OWN)
    }, () => {
      isKnown = true
      warn(UNKNOWN)
    })
    return null
  }
}
