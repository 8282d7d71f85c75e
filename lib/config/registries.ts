/**
 * Which hosts this machine takes its packages from, asked of the tools themselves: no preset names one.
 *
 * The promise: a tool is run only for a policy whose presets need it, and once; what it answered then holds for as long
 * as the program runs, so that no later change of a settings file opens a host.
 */
import type { Asked, RunTool } from './registries/run.ts'

/** Each is loaded when it is first asked: most policies need none of them. */
const TOOLS = {
  npm: async (run: RunTool) => (await import('./registries/npm.ts')).askNpm(run),
  pip: async (run: RunTool) => (await import('./registries/pip.ts')).askPip(run),
  apt: async (run: RunTool) => (await import('./registries/apt.ts')).askApt(run),
  cargo: async (run: RunTool) => (await import('./registries/cargo.ts')).askCargo(run),
  go: async (run: RunTool) => (await import('./registries/go.ts')).askGo(run),
  'go-sums': async (run: RunTool) => (await import('./registries/go.ts')).askGoSums(run),
  conda: async (run: RunTool) => (await import('./registries/conda.ts')).askConda(run),
} as const

const runHere: RunTool = async (command, env) => (await import('./registries/run.ts')).toolRunner(process.env)(command, env)

export type RegistryName = keyof typeof TOOLS

export interface Registries {
  /** Asks the tools that have not answered yet, all at once. Never rejects. */
  ask(names: Iterable<RegistryName>): Promise<void>
  /** Runs nothing. */
  known(name: RegistryName): Asked
}

export function createRegistries(run: RunTool = runHere): Registries {
  const answers = new Map<RegistryName, Promise<Asked>>()
  const known = new Map<RegistryName, Asked>()
  return {
    async ask(names) {
      await Promise.all(Array.from(names, async name => {
        // One that failed is asked again: somebody may have installed it.
        if (known.get(name)?.kind === 'failed') answers.delete(name)
        // A variable of the environment that no process may have, for example, is thrown for.
        const answer = answers.get(name) ?? TOOLS[name](run).catch((): Asked => ({ kind: 'failed', problem: `What ${name} is set to cannot be asked.` }))
        answers.set(name, answer)
        known.set(name, await answer)
      }))
    },
    known: name => known.get(name) ?? { kind: 'failed', problem: 'The tools of this machine have not been asked yet.' },
  }
}

/** Those of the machine that the program runs on. */
export const machineRegistries: Registries = createRegistries()
