/** Hooks as a configuration file names them → doors that can be asked. Secrets are read here, and kept by the doors alone. */
import { randomBytes } from 'node:crypto'
import { allMustAgree, escalateAfter, firstAnswer, officeHours, quorum } from './approve/combine.ts'
import { commandDoor } from './approve/command.ts'
import { desktopDoor } from './approve/desktop.ts'
import { slackDoor } from './approve/slack.ts'
import { telegramDoor } from './approve/telegram.ts'
import { webhookDoor } from './approve/webhook.ts'
import { parseDuration } from './config/durations.ts'
import { formatProblem } from './config/problems.ts'
import { loadSettings } from './config/settings.ts'
import { OperatorError } from './model/errors.ts'
import type { Door } from './model/hold.ts'
import type { HookDocument, Settings } from './model/settings.ts'
import { modelReviewer } from './reviewer.ts'
import { readSecret } from './secrets.ts'

export type ClosingDoor = Door & { close?(): void }

/**
 * @returns what a configuration file says (docs/config.md)
 * @throws OperatorError where it cannot be read or is not sound
 */
export async function readSettings(file: string): Promise<Settings> {
  const loaded = await loadSettings(file)
  if (loaded.kind === 'settings') return loaded.settings
  const [first] = loaded.problems
  const more = loaded.problems.length - 1
  throw new OperatorError('E_CONFIG_INVALID', { problem: `${formatProblem(first!, file)}${more === 0 ? '' : ` And ${more} more.`}` })
}

/**
 * @param env variables that secrets may be named by
 * @throws OperatorError where a secret cannot be read, or a hook cannot be made of what is said
 */
export async function openHooks(hooks: readonly HookDocument[], env: Readonly<Record<string, string | undefined>> = process.env): Promise<readonly ClosingDoor[]> {
  return Promise.all(hooks.map(hook => openHook(hook, env)))
}

async function openHook(hook: HookDocument, env: Readonly<Record<string, string | undefined>>): Promise<ClosingDoor> {
  const inner = async (hooks: readonly HookDocument[], make: (doors: readonly Door[]) => Door): Promise<ClosingDoor> => {
    const doors = await openHooks(hooks, env)
    // A door that is made of doors is asked through them, and ended with them.
    return { ...make(doors), close: () => { for (const door of doors) door.close?.() } }
  }
  const { command, webhook, telegram, slack, desktop, model, first, all, escalate } = hook
  if (command !== undefined) return commandDoor(command)
  if (webhook !== undefined) return webhookDoor({ url: webhook.url, secret: secretOf('webhook', webhook.secretFile, webhook.secretEnv, env) })
  if (telegram !== undefined) return telegramDoor({ chats: telegram.chats, token: secretOf('telegram', telegram.tokenFile, telegram.tokenEnv, env), newId: () => randomBytes(12).toString('base64url'), ...telegram.apiRoot === undefined ? {} : { apiRoot: telegram.apiRoot } })
  if (slack !== undefined) return slackDoor({ url: secretOf('slack', slack.urlFile, slack.urlEnv, env), ...slack.desk === undefined ? {} : { desk: slack.desk } })
  if (desktop !== undefined) return desktopDoor()
  if (model !== undefined) return openModel(model, env)
  if (first !== undefined) return inner(first, firstAnswer)
  if (all !== undefined) return inner(all, allMustAgree)
  if (hook.quorum !== undefined) return inner(hook.quorum.of, doors => quorum(hook.quorum!.needed, doors))
  if (escalate !== undefined) return inner([escalate.first, escalate.then], ([before, then]) => escalateAfter(parseDuration(escalate.after)!, before!, then!))
  const { during, otherwise, ...hours } = hook.officeHours!
  return inner([during, otherwise], ([open, closed]) => officeHours(hours, open!, closed!))
}

function openModel({ url, model, envelope, instructions, keyFile, keyEnv }: NonNullable<HookDocument['model']>, env: Readonly<Record<string, string | undefined>>): Promise<Door> {
  return modelReviewer({
    url, model,
    ...envelope === undefined ? {} : { envelope },
    ...instructions === undefined ? {} : { instructions: readSecret('model', instructions) },
    ...keyFile === undefined && keyEnv === undefined ? {} : { key: secretOf('model', keyFile, keyEnv, env) },
  })
}

function secretOf(option: string, file: string | undefined, variable: string | undefined, env: Readonly<Record<string, string | undefined>>): string {
  if (file !== undefined) return readSecret(option, file)
  const value = env[variable!]?.trim() ?? ''
  if (value === '') throw new OperatorError('E_OPTION_INVALID', { option, problem: `the environment variable ${variable} is not set`, fix: 'Set it where the firewall is started, or name a file instead.' })
  return value
}
