/**
 * What the helper inside a sandbox's namespace and the firewall outside say to each other, over the IPC channel of
 * a child process. The command never holds that channel; both ends are ours.
 */
import type { Packets } from './nft.ts'

/** To the helper. */
export type Order =
  /** Hand over what you opened, then run this. */
  | {
    readonly kind: 'start'
    /** The program and its arguments: bwrap, maybe behind `env`. */
    readonly program: readonly string[]
    readonly env: Readonly<Record<string, string>>
    /** Written to bwrap's descriptors from 3 on: arguments, filter, (status,) files; base64. */
    readonly args: string
    readonly seccomp: string
    readonly files: readonly string[]
  }
  | { readonly kind: 'signal', readonly signal: NodeJS.Signals }
  /** Of a network that was there before us: take back what you did to it, and end. */
  | { readonly kind: 'detach' }

/** Which socket comes with a message. The kinds of `Handed` that were announced by `ready`, each once. */
export type Handed = 'tcp' | 'dns-udp4' | 'dns-udp6' | 'dns-tcp4' | 'dns-tcp6'

/** From the helper. */
export type Report =
  /** The network is closed and the sockets are open. */
  | { readonly kind: 'ready', readonly handed: readonly Handed[] }
  | { readonly kind: 'handed', readonly what: Handed }
  /** The sandbox runs; the id of its first process as the host sees it. */
  | { readonly kind: 'running', readonly pid: number }
  /** It has ended; `null` where bwrap could not start it. `rejected` is null where nothing was counted. */
  | { readonly kind: 'ended', readonly code: number | null, readonly signal: NodeJS.Signals | null, readonly rejected: Packets | null }
  | { readonly kind: 'failed', readonly problem: string }
