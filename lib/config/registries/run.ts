/**
 * Runs one tool of this machine to ask what it is set to, with bounds: of time, of output, and of what it may see.
 *
 * It runs in the root folder, so that no file of a project decides (`.npmrc` and the like are an agent's to write), and
 * never through a shell. What it writes is hostile until it is read; what it says on stderr is thrown away, because
 * settings hold passwords.
 */
import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'

export type ToolRan =
  | { readonly kind: 'said', readonly text: string }
  /** A sentence without its subject and end: `is not installed`. */
  | { readonly kind: 'failed', readonly problem: string }

export type RunTool = (command: readonly [file: string, ...args: string[]], env?: Readonly<Record<string, string>>) => Promise<ToolRan>

/** What a registry's URL was asked for, as its tool has it; or why it is not known, as a sentence. */
export type Asked =
  | { readonly kind: 'urls', readonly urls: readonly string[] }
  | { readonly kind: 'failed', readonly problem: string }

/** A tool that takes longer waits for something that it will not get. */
export const MAX_RUN_MS = 10_000
const MAX_OUTPUT_BYTES = 256 * 1024

/** @param environment the operator's own: a setting may stand there */
export function toolRunner(environment: Readonly<Record<string, string | undefined>>, maxMs = MAX_RUN_MS): RunTool {
  const base = { ...environment, PATH: trustedPath(environment['PATH'] ?? ''), LC_ALL: 'C.UTF-8' }
  return ([file, ...args], env = {}) => new Promise(done => {
    const child = spawn(file, args, { cwd: '/', env: { ...base, ...env }, stdio: ['ignore', 'pipe', 'ignore'], detached: true })
    const chunks: Buffer[] = []
    let size = 0
    const end = (ran: ToolRan): void => {
      clearance.removeEventListener('abort', onLate)
      endGroup(child.pid)
      child.stdout.destroy()
      done(ran)
    }
    const onLate = (): void => end({ kind: 'failed', problem: `gave no answer in ${maxMs / 1_000} s` })
    const clearance = AbortSignal.timeout(maxMs)
    clearance.addEventListener('abort', onLate)
    child.once('error', error => end({ kind: 'failed', problem: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'is not installed' : 'cannot be run' }))
    child.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      size += chunk.length
      if (size > MAX_OUTPUT_BYTES) end({ kind: 'failed', problem: `said more than ${MAX_OUTPUT_BYTES} bytes` })
    })
    // What it left behind would hold the output open, and has nothing to say.
    child.once('exit', () => endGroup(child.pid))
    child.once('close', status => end(status === 0 ? read(Buffer.concat(chunks)) : { kind: 'failed', problem: `ended with ${status ?? 'a signal'}` }))
  })
}

function read(bytes: Uint8Array): ToolRan {
  try {
    return { kind: 'said', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    // Only invalid UTF-8 throws here.
    return { kind: 'failed', problem: 'said something that is not UTF-8' }
  }
}

/** `npx` puts the folders of the project in front, and what lies there is not the machine's. Relative ones start at the root, as the tool does. */
function trustedPath(path: string): string {
  return path.split(delimiter).filter(folder => !folder.endsWith('/node_modules/.bin')).join(delimiter)
}

/** The tool may have started others (a shim does), and none may stay. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH: all of it has ended, as it should have.
  }
}

/** @returns null where the text is no JSON object */
export function parseObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : null
  } catch {
    // Only a text that is not JSON throws here.
    return null
  }
}

/** @param urls what was found: one that is there twice is taken once, and what is on a disk needs no rule */
export function askedUrls(tool: string, urls: readonly string[]): Asked {
  const all = [...new Set(urls)].filter(url => /^https?:\/\//i.test(url))
  if (all.length === 0) return { kind: 'failed', problem: `${tool} is set to no registry that is called by http or https.` }
  if (all.length > MAX_URLS) return { kind: 'failed', problem: `${tool} is set to more than ${MAX_URLS} registries.` }
  return { kind: 'urls', urls: all }
}

const MAX_URLS = 64

export function failed(tool: string, problem: string): Asked {
  return { kind: 'failed', problem: `${tool} ${problem}.` }
}
