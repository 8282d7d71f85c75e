/** The front door: everything a user of the library may rely on, and nothing else. */
export { createFirewall } from './firewall.ts'
export type { Firewall, Ruled } from './firewall.ts'
export type { ApproveFunction, AuditTarget, FirewallOptions } from './options.ts'
export { LIMITS } from './limits.ts'
export type { Limits } from './limits.ts'
