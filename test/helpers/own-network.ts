/**
 * A network of this process's own, with nothing in it but loopback. A browser gives up what it loads whenever an interface
 * or an address comes or goes on the machine, and other tests make and remove some all the time.
 */
import koffi from 'koffi'
import { spawnSync } from 'node:child_process'

const CLONE_NEWNET = 0x40000000

/** Call it before the first socket. Without the right to it (only root has it) the process stays where it is. */
export function enterOwnNetwork(): void {
  const unshare = koffi.load(null).func('int unshare(int)')
  // Of the calling thread, which is the one that opens Node's sockets and starts its children.
  if (unshare(CLONE_NEWNET) !== 0) return
  const { status, stderr } = spawnSync('ip', ['link', 'set', 'lo', 'up'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`loopback does not come up: ${stderr}`)
}
