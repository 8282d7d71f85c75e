/** Runs a command in a sandbox of the built package, behind a gate that only says `gate`. First argument: options as JSON. */
import { createSandbox, openCa } from '../../dist/lib/index.js'

const { command: [command, ...args], certs, ...options } = JSON.parse(process.argv[2])
const ca = await openCa(certs, {})
const firewall = {
  ca: { ...ca, dir: certs },
  transparent({ server, dns, dnsTcp }) {
    server.on('connection', socket => { socket.on('error', () => {}); socket.end('gate\n') })
    for (const each of dnsTcp) each.on('connection', socket => socket.destroy())
    return { async close() { for (const each of [server, ...dnsTcp, ...dns]) each.close() } }
  },
}
const sandbox = await createSandbox({ firewall, command, args, stdio: 'inherit', ...options })
process.send?.({ pid: sandbox.pid })
const { code } = await sandbox.exited
process.exit(code ?? 1)
