/**
 * TLS contexts: what a connection is answered with, one per host, kept while it is used.
 *
 * A context costs twenty times what its leaf does (1 ms), so it is kept; and because each has ticket keys of
 * its own, a client resumes its session only at the host that it spoke to.
 */
import { createHash } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import { LRUCache } from 'lru-cache'
import type { Clock } from '../model/clock.ts'
import type { CanonicalHost, HostKind } from '../model/request.ts'
import { createMint } from './leaf.ts'
import type { Leaf } from './leaf.ts'
import type { Store } from './store.ts'

export interface Contexts {
  /**
   * The identity under which a host is answered for; minted at its first use and again at half of its life.
   *
   * @throws OperatorError when the CA has expired; Error for a host that is none of that kind
   */
  contextFor(host: CanonicalHost, hostKind: HostKind): SecureContext
  /** Contexts that are kept now. */
  readonly size: number
}

export interface ContextsOptions {
  readonly clock: Clock
  /** Hosts whose contexts are kept; about 22 KB each. The one that was not used for longest goes first. */
  readonly max: number
}

/** Of one CA: the cache does not outlive the store. */
export function createContexts(store: Store, { clock, max }: ContextsOptions): Contexts {
  const mint = createMint(store)
  const kept = new LRUCache<CanonicalHost, Kept>({ max })
  return {
    contextFor(host, hostKind) {
      const now = clock.now()
      const known = kept.get(host)
      if (known !== undefined && known.notBefore <= now && now < known.renewAt) return known.context
      const leaf = mint(host, hostKind, now)
      const context = contextOf(leaf, createHash('sha256').update(`${store.fingerprint} ${host}`).digest('hex'))
      kept.set(host, { context, notBefore: leaf.notBefore, renewAt: now + (leaf.notAfter - now) / 2 })
      return context
    },
    get size() { return kept.size },
  }
}

interface Kept {
  readonly context: SecureContext
  /** Not the time it was made: a wall clock that is set back a little need not cost every leaf. */
  readonly notBefore: number
  readonly renewAt: number
}

/** Forward secrecy and authenticated encryption only. The AES that hardware does fastest comes first. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-CHACHA20-POLY1305',
].join(':')

/** Early data stays off, as Node has it: a request that can be replayed cannot be judged once. */
function contextOf({ certificatePem, keyPem }: Leaf, identity: string): SecureContext {
  return createSecureContext({
    cert: certificatePem,
    key: keyPem,
    // We ask for no client certificate. Without this Node would load all of its own roots.
    ca: [],
    minVersion: 'TLSv1.2',
    maxVersion: 'TLSv1.3',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    // A second wall around sessions, behind the ticket keys (RFC 5246 §7.3, RFC 8446 §4.6.1); at most 32 bytes.
    sessionIdContext: identity.slice(0, 32),
  })
}
