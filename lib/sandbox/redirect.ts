/**
 * Puts the packet filter of a shared network into the network that this process is in.
 */
import { spawnSync } from 'node:child_process'
import { OperatorError } from '../model/errors.ts'
import { SIDECAR, sidecarRules } from './nft.ts'
import { TOOLS, toolPath } from './preflight.ts'
import { programsNamed } from './survey.ts'

export interface Redirect {
  /** That the firewall runs as: what it sends is let through. */
  readonly uid: number
  /** Default: 15001. */
  readonly port?: number
  /** Default: 15053. */
  readonly dnsPort?: number
}

/**
 * Rules for `nft -f -`; applied once more they replace themselves.
 *
 * @throws OperatorError E_OPTION_INVALID
 */
export function redirectRules({ uid, port = SIDECAR.port, dnsPort = SIDECAR.dnsPort }: Redirect): string {
  if (uid === 0) throw new OperatorError('E_OPTION_INVALID', { option: '--uid', problem: 'as root the firewall could not be told apart from what it guards', fix: 'Run the firewall as a user of its own, and name its number.' })
  return sidecarRules({ uid, port, dnsPort })
}

/** @throws OperatorError E_SANDBOX_TOOL, E_REDIRECT_REFUSED; the rules are in force as a whole or not at all */
export function applyRedirect(rules: string, env: Readonly<Record<string, string | undefined>>): void {
  const [nft] = programsNamed('nft', { PATH: toolPath(env) }, '/')
  if (nft === undefined) throw new OperatorError('E_SANDBOX_TOOL', { tool: 'nft', package: TOOLS.nft })
  const { status, stderr, error } = spawnSync(nft, ['-f', '-'], { input: rules, encoding: 'utf8' })
  if (status !== 0) throw new OperatorError('E_REDIRECT_REFUSED', { problem: error?.message ?? (stderr.trim().split('\n')[0] || `nft ended with ${status}`) })
}
