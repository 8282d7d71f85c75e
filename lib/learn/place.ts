/**
 * Where a request goes, as a rule names it: host or address, scheme and port.
 */
import { METADATA_NAME, classifyAddress } from '../decide/address.ts'
import { displayHost } from '../model/display.ts'
import type { OneOrMore, RuleShape } from '../model/policy.ts'
import type { Facts, Scheme } from '../model/request.ts'

/** Host, scheme and port, as short as the language allows: https on 443 and http on 80 need no port. */
export function placeRule({ host, hostKind, scheme, port }: Facts): RuleShape {
  const who = hostKind === 'name' ? { host } : { cidr: `${host}/${hostKind === 'ipv4' ? 32 : 128}` }
  return { ...who, ...(scheme === 'https' ? {} : { scheme }), ...(port === USUAL_PORT[scheme] ? {} : { port }) }
}

/** What a rule means that names no port; a stream has to name it. */
export const USUAL_PORT: Readonly<Record<Scheme, number | null>> = { https: 443, wss: 443, http: 80, ws: 80, tcp: null }

/** `https://api.example.com:443`, safe to show. */
export function placeOf({ host, scheme, port }: Facts): string {
  return `${scheme}://${displayHost(host, port)}`
}

/** An address that is not public, and a metadata service by its name, is opened by the policy alone: no approval can, and nothing here suggests it. */
export function isPublic({ host, hostKind }: Facts): boolean {
  return hostKind === 'name' ? host !== METADATA_NAME : classifyAddress(host) === 'public'
}

export function oneOrMore(values: readonly string[]): OneOrMore<string> {
  const [first, ...others] = values
  return first !== undefined && others.length === 0 ? first : values
}
