/**
 * The policy as it is written (JSON) and what a rule grants once it has ruled.
 *
 * The documents mirror `schemas/policy.schema.json`; only `config/` turns text into one.
 */
import type { Scheme } from './request.ts'

export type Action = 'allow' | 'hold' | 'deny'
export type Unmatched = 'hold' | 'deny' | 'observe'
export type Access = 'read-only' | 'read-write' | 'full'
export type OneOrMore<T> = T | readonly T[]
export type PortSpec = number | string

export interface RuleDocument {
  readonly id: string
  readonly action?: Action
  readonly host?: OneOrMore<string>
  readonly cidr?: OneOrMore<string>
  readonly anyHost?: boolean
  readonly port?: OneOrMore<PortSpec>
  readonly scheme?: OneOrMore<Scheme>
  readonly method?: OneOrMore<string>
  readonly access?: Access
  readonly path?: OneOrMore<string>
  readonly query?: Readonly<Record<string, OneOrMore<string>>>
  readonly onlyQuery?: boolean
  readonly header?: Readonly<Record<string, OneOrMore<string>>>
  readonly tls?: 'inspect' | 'passthrough'
  readonly private?: boolean | OneOrMore<string>
  readonly maxRequestBytes?: number
  readonly maxResponseBytes?: number
  /** RFC 3339. From this moment on the rule does not exist. */
  readonly expires?: string
  readonly maxUses?: number
  /** Both ways together, of all that it lets through. */
  readonly maxBytes?: number
  readonly maxRequestsPerMinute?: number
  readonly note?: string
}

/** A rule as it is offered or granted; its id is given by the firewall. */
export type RuleShape = Omit<RuleDocument, 'id'> & { readonly id?: string }

export type PresetUse = string | { readonly preset: string, readonly [parameter: string]: unknown }

export interface PolicyDocument {
  readonly $schema?: string
  readonly version: 1
  readonly name?: string
  readonly unmatched?: Unmatched
  readonly use?: readonly PresetUse[]
  readonly rules?: readonly RuleDocument[]
}

/**
 * The non-public addresses that a rule opens.
 *
 * `private: true` opens the classes private and loopback, a list only those networks;
 * `cidrs` are the networks of a `cidr` rule, which opens exactly what it lists.
 */
export interface AddressScope {
  /** The same text for the same scope: part of a connection pool's key. */
  readonly key: string
  readonly private: boolean | readonly string[]
  readonly cidrs: readonly string[]
}

export const PUBLIC_ONLY: AddressScope = Object.freeze({ key: 'public', private: false, cidrs: Object.freeze([]) })

/** What the rule that ruled lays down for the exchange. */
export interface Terms {
  readonly scope: AddressScope
  /** Bytes of body from the client; null: no cap. */
  readonly maxRequestBytes: number | null
  /** Bytes of body from the upstream; null: no cap. */
  readonly maxResponseBytes: number | null
}

export type AddressClass = 'public' | 'private' | 'loopback' | 'link-local' | 'metadata' | 'reserved' | 'self'

export type AddressVerdict =
  | { readonly kind: 'may-dial', readonly class: AddressClass }
  | { readonly kind: 'forbidden', readonly class: AddressClass }

/** Judges an address (as `dns.lookup` writes it) and port just before it is dialled. */
export type JudgeAddress = (address: string, port: number, scope: AddressScope) => AddressVerdict
