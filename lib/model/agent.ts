/**
 * The one name that stands for the firewall itself, for whoever is inside. It is never resolved and never dialled, and no
 * rule of any policy is asked about it.
 */
import type { CanonicalHost } from './request.ts'

export const AGENT_HOST = 'sallyport.internal' as CanonicalHost

/** Where to go; said in refusals. */
export const AGENT_URL = `http://${AGENT_HOST}/`
