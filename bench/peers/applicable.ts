/** Which cases say nothing of a peer, since its configuration has no words for what they are about. Pure. */
import type { Case } from '../../lib/conformance/cases.ts'
import type { Silence } from './peers.ts'

/** @returns why a case counts for neither side; null: it counts */
export function whyNotAsked(one: Case, cannotSay: readonly Silence[]): string | null {
  return cannotSay.map(silence => isAbout(one, silence) ? REASONS[silence] : null).find(reason => reason !== null) ?? null
}

const REASONS: Readonly<Record<Silence, string>> = {
  'inside-tls': 'it relays TLS: what is said inside is no business of its',
  'private-names': 'it cannot allow a name and yet not the private address that the name leads to',
  addresses: 'the address is allowed there, for the sake of the name that leads to it',
}

function isAbout(one: Case, silence: Silence): boolean {
  const text = JSON.stringify(one)
  switch (silence) {
    case 'inside-tls': return one.via === 'tunnel' ? isAllowed(one.connect) : one.via === 'steps' && /"via":"tunnel"|"kind":"(tls|hello)"/.test(text)
    case 'private-names': return /inside\.test/i.test(text)
    case 'addresses': return /\{\{(dotted|decimal|hex|octal|short)\}\}/.test(text)
    default: return silence satisfies never
  }
}

/** Everybody may refuse a tunnel to somewhere else. */
const isAllowed = (authority = ''): boolean => /^allowed\.test:443$/i.test(authority)
