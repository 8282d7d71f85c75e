/**
 * Which hosts this machine takes its packages from, asked of the tools themselves: no preset names one.
 *
 * The promise: a tool is run only for a policy whose presets need it, and once; what it answered then holds for as long
 * as the program runs, so that no later change of a settings file opens a host.
 */
import { askApt } from './registries/apt.ts'
import { askCargo } from './registries/cargo.ts'
import { askConda } from './registries/conda.ts'
import { askGo, askGoSums } from './registries/go.ts'
import { askNpm } from './registries/npm.ts'
import { askPip } from './registries/pip.ts'
import { toolRunner } from './registries/run.ts'
import type { Asked, RunTool } from './registries/run.ts'

const TOOLS = { npm: askNpm, pip: askPip, apt: askApt, cargo: askCargo, go: askGo, 'go-sums': askGoSums, conda: askConda } as const

export type RegistryName = keyof typeof TOOLS

export interface Registries {
  /** Asks the tools that have not answered yet, all at once. Never rejects. */
  ask(names: Iterable<RegistryName>): Promise<void>
  /** Runs nothing. */
  known(name: RegistryName): Asked
}

export function createRegistries(run: RunTool = toolRunner(process.env)): Registries {
  const answers = new Map<RegistryName, Promise<Asked>>()
  const known = new Map<RegistryName, Asked>()
  return {
    async ask(names) {
      await Promise.all(Array.from(names, async name => {
        // One that failed is asked again: somebody may have installed it.
        if (known.get(name)?.kind === 'failed') answers.delete(name)
        const answer = answers.get(name) ?? TOOLS[name](run)
        answers.set(name, answer)
        known.set(name, await answer)
      }))
    },
    known: name => known.get(name) ?? { kind: 'failed', problem: 'The tools of this machine have not been asked yet.' },
  }
}

/** Those of the machine that the program runs on. */
export const machineRegistries: Registries = createRegistries()
