/**
 * How a firewall is run, as it is written in a configuration file. What may pass is not here: that is the policy.
 *
 * The documents mirror `schemas/config.schema.json`; only `config/` turns text into one.
 */

export interface SettingsDocument {
  readonly $schema?: string
  readonly version: 1
  readonly approve?: readonly HookDocument[]
  readonly sandbox?: {
    readonly ro?: readonly string[]
    readonly rw?: readonly string[]
    readonly hide?: readonly string[]
    readonly gpu?: boolean
  }
}

/** One of the properties: its name is the kind of the hook. */
export interface HookDocument {
  readonly command?: string
  readonly webhook?: { readonly url: string } & SecretOf<'secret'>
  readonly telegram?: { readonly chats: readonly number[], readonly apiRoot?: string } & SecretOf<'token'>
  readonly slack?: { readonly desk?: string } & SecretOf<'url'>
  readonly desktop?: Readonly<Record<string, never>>
  readonly model?: { readonly url: string, readonly model: string, readonly envelope?: string, readonly instructions?: string } & SecretOf<'key'>
  readonly first?: readonly HookDocument[]
  readonly all?: readonly HookDocument[]
  readonly quorum?: { readonly needed: number, readonly of: readonly HookDocument[] }
  readonly escalate?: { readonly after: string, readonly first: HookDocument, readonly then: HookDocument }
  readonly officeHours?: {
    readonly days?: readonly number[]
    readonly from: string
    readonly to: string
    readonly timeZone?: string
    readonly during: HookDocument
    readonly otherwise: HookDocument
  }
}

/** A secret is named by its file or its environment variable, by one of the two. */
type SecretOf<Name extends string> = { readonly [K in `${Name}File` | `${Name}Env`]?: string }

/** What a file says, with every path made absolute. */
export interface Settings {
  readonly file: string
  readonly approve: readonly HookDocument[]
  readonly sandbox: Required<NonNullable<SettingsDocument['sandbox']>>
}
