/** Domains that something was let through to: first contact with any other is said. */
import { registrableDomain } from './decide/patterns.ts'

export interface Contacts {
  note(host: string): void
  /** @param domain registrable, or an address */
  has(domain: string): boolean
}

/** Beyond it all are asked about as new again. */
const MAX_DOMAINS = 10_000

export function createContacts(): Contacts {
  const domains = new Set<string>()
  /** Most requests go where the one before went. */
  let last = ''
  return {
    note(host) {
      if (host === last) return
      last = host
      const domain = registrableDomain(host)
      if (domain === null) return
      if (domains.size >= MAX_DOMAINS) domains.clear()
      domains.add(domain)
    },
    has: domain => domains.has(domain),
  }
}
