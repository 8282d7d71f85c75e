/**
 * The program around a command that has no network at all (`--fallback proxy`): what connects to a port of the
 * sandbox's own loopback is carried, byte by byte, to the firewall's socket, the one way out. It judges nothing.
 *
 * Plain JavaScript and nothing but Node's own: it is shown to the sandbox as this one file.
 *
 *   node bridge.mjs SOCKET PORT (terminal|alone) COMMAND [ARGUMENT…]
 */
import { spawn } from 'node:child_process'
import { connect, createServer } from 'node:net'
import { constants } from 'node:os'

const [, , path = '', port, where, command = '', ...args] = process.argv
/** As a shell has it for a command that it cannot start, and for one that a signal ended. */
const NOT_STARTED = 127
const SIGNALLED = 128
/** The keyboard's reach the command by themselves. */
const OF_THE_KEYBOARD = ['SIGINT', 'SIGQUIT']
const PASSED_ON = ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', ...OF_THE_KEYBOARD]

const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
  const gate = connect({ path, allowHalfOpen: true })
  for (const [from, to] of [[client, gate], [gate, client]]) {
    from.on('error', () => to.destroy())
    from.once('close', () => { if (!from.readableEnded) to.destroy() })
    from.pipe(to)
  }
})

server.listen({ host: '127.0.0.1', port: Number(port) }, () => {
  let child = null
  // Before there is a child: it may send one as the first thing it does.
  for (const signal of PASSED_ON) process.on(signal, () => { if (where === 'alone' || !OF_THE_KEYBOARD.includes(signal)) child?.kill(signal) })
  child = spawn(command, args, { stdio: 'inherit' })
  child.once('error', () => process.exit(NOT_STARTED))
  child.once('exit', (code, signal) => process.exit(code ?? SIGNALLED + constants.signals[signal]))
})
