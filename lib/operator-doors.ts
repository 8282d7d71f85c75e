/**
 * The doors by which an operator reaches the desk while the firewall runs: the control socket and the console.
 */
import { randomBytes } from 'node:crypto'
import { parseAnswer } from './config/load.ts'
import { formatProblem } from './config/problems.ts'
import type { Console } from './console/server.ts'
import type { ParseAnswer } from './control/actions.ts'
import { serveControl } from './control/server.ts'
import type { ControlServer } from './control/server.ts'
import type { Clock } from './model/clock.ts'
import type { Desk } from './model/desk.ts'
import { OperatorError } from './model/errors.ts'
import type { ConsoleAddress } from './options.ts'
import { isLoopback } from './setup.ts'

export interface OperatorDoors {
  readonly control: ControlServer | null
  readonly console: Console | null
  close(): Promise<void>
}

/** @throws OperatorError E_CONTROL_FAILED, E_LISTEN_FAILED, E_OPTION_INVALID; no door is open then */
export async function openOperatorDoors({ controlPath, console: address, user, clock, desk }: {
  readonly controlPath: string | undefined
  readonly console: ConsoleAddress | undefined
  /** Who runs this, as far as that is known. */
  readonly user: string | undefined
  readonly clock: Clock
  readonly desk: Desk
}): Promise<OperatorDoors> {
  let page: Console | null = null
  const control = controlPath === undefined ? null : await serveControl({ path: controlPath, clock, desk, parseAnswer: readAnswer, consoleLink: () => page?.newLink() ?? null })
  page = address === undefined ? null : await openConsole(address).catch(async (error: unknown) => {
    await control?.close()
    throw error
  })
  return {
    control,
    console: page,
    async close() {
      await Promise.all([control?.close(), page?.close()])
    },
  }

  async function openConsole({ host = '127.0.0.1', port = 0, hosts = [] }: ConsoleAddress): Promise<Console> {
    if (!isLoopback(host) && hosts.length === 0) {
      throw new OperatorError('E_OPTION_INVALID', { option: '--console', problem: `${host} is reachable from other machines`, fix: 'Listen on 127.0.0.1, or say by which name it may be reached: --console-host NAME.' })
    }
    // The page is for those who want it: everybody else starts without.
    const { serveConsole } = await import('./console/server.ts')
    return serveConsole({ host, port, hosts, clock, desk, parseAnswer: readAnswer, user: user ?? null, random: randomBytes })
  }
}

const readAnswer: ParseAnswer = value => {
  const parsed = parseAnswer(value)
  return parsed.kind === 'answer' ? parsed : { kind: 'refused', problems: parsed.problems.map(problem => formatProblem(problem, 'answer')) }
}
