/**
 * Who is signed in at the console: links that are spent by their first use, and what a browser holds afterwards.
 *
 * A session has two halves. The cookie is sent by the browser to every port of the host, so it alone opens
 * nothing; the key is kept by the page, in storage that belongs to its origin, port included, and is sent
 * as a field that no other site can set. Secrets are compared as digests, in constant time.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../model/clock.ts'

export interface Sessions {
  /** A secret for a link. The one before is void then: one link is open at a time. */
  newLink(): string
  /** @returns what the browser is to hold; null for a link that is not open. It is closed in the same turn */
  redeem(link: string): Credentials | null
  /** Whether both halves belong to one session; it then lasts longer. */
  admits(credentials: Credentials): boolean
  /** Ends the session. */
  end(credentials: Credentials): void
}

export interface Credentials {
  readonly cookie: string
  readonly key: string
}

/** Without a request for so long, a session ends. */
export const SESSION_MS = 12 * 3_600_000
/** Browsers that are signed in. One more, and whoever was quiet the longest is signed out. */
const MAX_SESSIONS = 8
const SECRET_BYTES = 32

interface Session {
  readonly cookie: Buffer
  readonly key: Buffer
  usedAt: number
}

/** @param random of so many bytes */
export function createSessions({ clock, random }: { readonly clock: Clock, random(bytes: number): Buffer }): Sessions {
  let sessions: readonly Session[] = []
  let link: Buffer | null = null

  const secret = (): string => random(SECRET_BYTES).toString('base64url')

  /** Looks at every session, so that the time it takes says nothing of where a match was. */
  function find({ cookie, key }: Credentials): Session | null {
    const [ours, theirs] = [digest(cookie), digest(key)]
    let found: Session | null = null
    for (const session of sessions) {
      const hasBoth = [timingSafeEqual(session.cookie, ours), timingSafeEqual(session.key, theirs)].every(Boolean)
      if (hasBoth && clock.elapsed() - session.usedAt < SESSION_MS) found = session
    }
    return found
  }

  return {
    newLink() {
      const token = secret()
      link = digest(token)
      return token
    },
    redeem(token) {
      if (link === null || !timingSafeEqual(link, digest(token))) return null
      link = null
      const credentials = { cookie: secret(), key: secret() }
      const live = [...sessions].filter(session => clock.elapsed() - session.usedAt < SESSION_MS).sort((a, b) => b.usedAt - a.usedAt)
      sessions = [...live.slice(0, MAX_SESSIONS - 1), { cookie: digest(credentials.cookie), key: digest(credentials.key), usedAt: clock.elapsed() }]
      return credentials
    },
    admits(credentials) {
      const session = find(credentials)
      if (session !== null) session.usedAt = clock.elapsed()
      return session !== null
    },
    end(credentials) {
      const session = find(credentials)
      sessions = sessions.filter(each => each !== session)
    },
  }
}

/** Digests have one length, which `timingSafeEqual` asks for. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
