/**
 * What is guarded without knowing it: its redirected connections walk down the corridor, its questions for names are
 * answered from a table. Each sandbox, and each network that we share, has a table of its own.
 */
import type { Socket } from 'node:net'
import { couldAllow, meansWithin } from './decide/reach.ts'
import type { InForce } from './in-force.ts'
import { createNames } from './listen/names.ts'
import type { Names } from './listen/names.ts'
import { createTransparent } from './listen/transparent.ts'
import type { Transparent, TransparentOptions } from './listen/transparent.ts'
import { AGENT_HOST } from './model/agent.ts'
import type { Clock } from './model/clock.ts'
import type { CanonicalHost } from './model/request.ts'
import { canonicalHost } from './normalize/host.ts'
import type { Zone } from './sandbox/dns.ts'
import { openDoors } from './sandbox/doors.ts'
import type { Address } from './sandbox/doors.ts'
import type { SandboxDoors } from './sandbox/link.ts'
import { openDestinations } from './sandbox/original-destination.ts'
import { serveNames } from './sandbox/resolver.ts'
import type { RefusedQuestion } from './sandbox/resolver.ts'

/** Who is said to call, where nobody says better. */
const LABEL = 'sandbox'
/** Longer than clients remember what a name's address is; those that never forget are few, and keep few. */
const NAME_MS = 3_600_000
const DNS_LIMITS = { askMs: 10_000, asking: 64, toldPerMinute: 60 }

export interface GuardOptions extends Pick<TransparentOptions, 'enter' | 'newFlow' | 'arrive' | 'max'> {
  readonly clock: Clock
  inForce(): InForce
  /** Names that no rule could ever allow do not exist. */
  readonly isStrict: boolean
  /** Who comes through these doors, and where each was going: for whoever is asked about it. */
  noteLine(socket: Socket, network: number, to: Address): void
  note(says: string, details: Readonly<Record<string, string | number | null>>): void
}

export interface Terms {
  /** Default: `sandbox`. */
  readonly label?: string
  /** Domains by which clients complete names that they are given; canonical. Default: none. */
  readonly search?: readonly CanonicalHost[]
}

/** Where the packet filter of a network that we share leads to. */
export interface SharedAddresses {
  readonly transparent: Address
  /** Concrete addresses, each for datagrams and streams. */
  readonly dns: readonly Address[]
  /** Default: `sandbox`. */
  readonly label?: string
}

export interface Shared {
  /** With the port that was taken. */
  readonly transparent: Address
  readonly dns: readonly Address[]
  close(): Promise<void>
}

export interface Guard {
  /**
   * In the turn in which the doors arrive: who connects before somebody listens is lost.
   *
   * @throws OperatorError E_SANDBOX_TOOL where this machine cannot tell where a connection was going
   */
  serve(doors: SandboxDoors, terms?: Terms): { close(): Promise<void> }
  /**
   * Opens doors and serves them.
   *
   * @throws OperatorError E_LISTEN_FAILED, E_SANDBOX_TOOL
   */
  open(addresses: SharedAddresses, search: readonly CanonicalHost[]): Promise<Shared>
  /** Connections that are open. */
  readonly count: number
  close(): Promise<void>
}

export function createGuard(options: GuardOptions): Guard {
  const { clock, note } = options
  const served = new Map<Transparent, () => Promise<void>>()

  function serve({ network, server, dns, dnsTcp, hasIpv6, rejected }: SandboxDoors, { label = LABEL, search = [] }: Terms = {}): { close(): Promise<void> } {
    const names = createNames({ clock, ttlMs: NAME_MS })
    const find = openDestinations()
    const destinationOf: TransparentOptions['destinationOf'] = socket => {
      const to = find(socket)
      if (to !== null) options.noteLine(socket, network, { host: to.address, port: to.port })
      return to
    }
    const transparent = createTransparent({ ...options, names, destinationOf, label })
    // As it was made elsewhere, its sockets would end with their client's half.
    Object.assign(server, { allowHalfOpen: true, noDelay: true })
    server.on('connection', transparent.accept)
    const resolver = serveNames({
      datagrams: dns, streams: dnsTcp, clock, limits: DNS_LIMITS, zone: zoneOf({ names, search, hasIpv6 }),
      refused: ({ name, type, reason, untold }: RefusedQuestion) => note('a question for a name was refused', { client: label, name, type, why: reason, untold }),
    })
    let closing: Promise<unknown> | null = null
    const close = async (): Promise<void> => {
      const { udp = 0, other = 0 } = closing === null ? rejected?.() ?? {} : {}
      if (udp + other > 0) note('packets were rejected: only TCP and questions for names lead out', { client: label, udp, other })
      served.delete(transparent)
      transparent.destroy()
      closing ??= Promise.all([new Promise<void>(resolve => { server.close(() => resolve()) }), resolver.close()])
      await closing
    }
    served.set(transparent, close)
    return { close }
  }

  function zoneOf({ names, search, hasIpv6 }: { readonly names: Names, readonly search: readonly CanonicalHost[], readonly hasIpv6: boolean }): Zone {
    return {
      hasIpv6,
      look(name) {
        const known = canonicalHost(name)
        if (known.kind === 'refused' || known.hostKind !== 'name') return 'denied'
        // Ours: it exists whatever the policy says, and is no completion of anything.
        if (known.host === AGENT_HOST) return 'exists'
        const { ruleset, grants } = options.inForce()
        const domain = search.find(domain => known.host.endsWith(`.${domain}`))
        // As every name exists here, the first completion of any name would, and be taken for what was meant.
        if (domain !== undefined && !meansWithin(ruleset, grants, known.host, domain, clock.now())) return 'absent'
        return options.isStrict && !couldAllow(ruleset, grants, known.host, clock.now()) ? 'denied' : 'exists'
      },
      addressFor: names.addressFor,
      nameOf: names.nameOf,
    }
  }

  return {
    serve,
    async open({ label = LABEL, ...addresses }, search) {
      openDestinations()
      const doors = await openDoors(addresses)
      return { ...doors.at, ...serve(doors, { label, search }) }
    },
    get count() { return [...served.keys()].reduce((sum, { count }) => sum + count, 0) },
    async close() { await Promise.all([...served.values()].map(close => close())) },
  }
}
