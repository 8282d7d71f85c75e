/**
 * The way out of a command in a network that holds nothing but its own loopback: a unix socket of the firewall's, shown
 * to it, and a program around it that clients take for an HTTP proxy (bridge.mjs). For machines that let nobody set
 * up a network: HTTP and HTTPS only, and only of clients that read the variables of a proxy. As closed as the other.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../config/package-root.ts'

/** Of the command's own loopback, where nothing else is yet. */
const PORT = 15_080
const FOLDER = '/run/sallyport'
const INSIDE = { node: `${FOLDER}/node`, bridge: `${FOLDER}/bridge.mjs`, socket: `${FOLDER}/proxy.sock` } as const

export const BRIDGED_PROXY = `http://127.0.0.1:${PORT}`

export interface Bridge {
  /** Of the host, for a sandbox to show. */
  readonly path: string
  close(): Promise<void>
}

/** @param accept  serves a connection as one to a proxy's port */
export async function openBridge(accept: (socket: Socket) => void): Promise<Bridge> {
  // Nobody else may enter a folder made so.
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bridge-'))
  const path = join(folder, 'proxy.sock')
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, socket => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    accept(socket)
  })
  server.listen(path)
  await once(server, 'listening')
  let closing: Promise<void> | null = null
  return {
    path,
    close: () => closing ??= new Promise(resolve => {
      server.close(() => { rmSync(folder, { recursive: true, force: true }); resolve() })
      for (const socket of open) socket.destroy()
    }),
  }
}

/** What the sandbox shows for it. */
export const shownFor = (socket: string): readonly { readonly path: string, readonly source: string }[] => [
  { path: INSIDE.node, source: process.execPath },
  { path: INSIDE.bridge, source: join(packageRoot(), 'lib/sandbox/bridge.mjs') },
  { path: INSIDE.socket, source: socket },
]

/** What is run in place of a command. */
export const bridged = (command: readonly string[], hasTerminal: boolean): readonly string[] =>
  [INSIDE.node, INSIDE.bridge, INSIDE.socket, String(PORT), hasTerminal ? 'terminal' : 'alone', ...command]
