/** Who is asked: the doors that a command's options and its configuration file name. */
import type { Command } from 'commander'
import { OperatorError, commandDoor, openHooks, readSecret, readSettings, webhookDoor } from '../lib/index.ts'
import type { ClosingDoor, Settings } from '../lib/index.ts'

export interface DoorOptions {
  readonly config?: string
  readonly onHold?: string
  readonly webhook?: string
  readonly webhookSecretFile?: string
}

export function addDoorOptions(command: Command): Command {
  return command
    .option('--config <file>', 'who is asked, and what a sandbox shows (JSON; see docs/config.md); options come on top of it')
    .option('--on-hold <command>', 'asked about every held request: JSON on stdin, JSON answer on stdout')
    .option('--webhook <url>', 'told of every held request, signed; what it answers counts (docs/hooks.md); needs --webhook-secret-file')
    .option('--webhook-secret-file <file>', 'the secret that it is signed with, at least 16 characters')
}

/** @returns null without a file */
export async function settingsOf({ config }: DoorOptions): Promise<Settings | null> {
  return config === undefined ? null : readSettings(config)
}

export async function openDoors({ onHold, webhook: url, webhookSecretFile: file }: DoorOptions, settings: Settings | null): Promise<ClosingDoor[]> {
  if ((url === undefined) !== (file === undefined)) throw new OperatorError('E_OPTION_INVALID', { option: '--webhook', problem: 'it and --webhook-secret-file need each other', fix: 'Give both, or neither.' })
  const doors: ClosingDoor[] = onHold === undefined ? [] : [commandDoor(onHold)]
  if (url !== undefined && file !== undefined) doors.push(webhookDoor({ url, secret: readSecret('--webhook-secret-file', file) }))
  return settings === null ? doors : [...doors, ...await openHooks(settings.approve)]
}
