/** What stands where a firewall would, for tests of the sandbox alone: it notes what arrives, and answers. */
import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCa } from '../../lib/index.ts'
import type { Sandbox, SandboxOptions } from '../../lib/index.ts'
import type { SandboxDoors } from '../../lib/sandbox/link.ts'

interface Teardown { teardown(call: () => unknown): void }

/** As built: from sources the helper would load a compiler before every command. */
export const { createSandbox } = await import(new URL('../../dist/lib/index.js', import.meta.url).href) as typeof import('../../lib/index.ts')

export interface TestGate {
  readonly ca: { readonly path: string, readonly bundle: string, readonly dir: string }
  transparent(doors: SandboxDoors): { close(): Promise<void> }
  handle(socket: Socket): void
  /** Connections that arrived. */
  readonly connections: number
  /** Bytes that came to the resolver. */
  readonly asked: number
  readonly isClosed: boolean
}

/** Says `gate\n` to whoever connects, and nothing to whoever asks for a name. */
export async function openGate(t: Teardown): Promise<TestGate> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-gate-'))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  const ca = await openCa(join(dir, 'ca'), {})
  let connections = 0
  let asked = 0
  let isClosed = false
  const answer = (socket: Socket): void => {
    connections++
    socket.on('error', () => {})
    socket.end('gate\n')
  }
  return {
    ca: { ...ca, dir: join(dir, 'ca') },
    get connections() { return connections },
    get asked() { return asked },
    get isClosed() { return isClosed },
    handle(socket) { answer(socket) },
    transparent({ server, dns, dnsTcp }) {
      server.on('connection', answer)
      for (const each of dnsTcp) each.on('connection', socket => socket.destroy())
      for (const each of dns) each.on('message', message => { asked += message.length })
      return {
        async close() {
          isClosed = true
          for (const each of [server, ...dnsTcp, ...dns]) each.close()
        },
      }
    },
  }
}

export interface Ran { readonly code: number | null, readonly signal: string | null, readonly out: string, readonly err: string }

/** A folder of a test's own as home and working directory: a developer's has neither to be seen nor to be changed. */
export function openPlace(t: Teardown): { readonly home: string, readonly work: string } {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-home-'))
  const work = mkdtempSync(join(tmpdir(), 'sallyport-work-'))
  t.teardown(() => { for (const dir of [home, work]) rmSync(dir, { recursive: true, force: true }) })
  return { home, work }
}

export const environmentOf = (home: string): Record<string, string> => ({ PATH: '/usr/local/bin:/usr/bin:/bin', HOME: home, LC_ALL: 'C.UTF-8' })

/** Runs a command to its end. */
export async function inside(gate: SandboxOptions['firewall'], place: { readonly home: string, readonly work: string }, command: readonly string[], options: Partial<SandboxOptions> = {}): Promise<Ran> {
  const [file = '', ...args] = command
  return collect(await createSandbox({ firewall: gate, command: file, args, cwd: place.work, env: environmentOf(place.home), ...options }))
}

export async function collect(sandbox: Sandbox): Promise<Ran> {
  let out = ''
  let err = ''
  sandbox.stdin?.end()
  sandbox.stdout?.on('data', (chunk: Buffer) => { out += chunk.toString() })
  sandbox.stderr?.on('data', (chunk: Buffer) => { err += chunk.toString() })
  const ended = Promise.all([sandbox.stdout, sandbox.stderr].map(stream => new Promise(resolve => stream === null ? resolve(null) : stream.once('end', resolve))))
  const [exit] = await Promise.all([sandbox.exited, ended])
  return { ...exit, out, err }
}
