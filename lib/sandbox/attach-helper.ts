/**
 * The program inside of a network that already runs: closes it but for the doors to the firewall, hands those over,
 * and takes it all back when it is told to.
 *
 *   closing ──ready, handed──▶ attached ──detach──▶ taken back, still closed
 *                                 └──killed, or the firewall gone──▶ the rules stay: nothing gets out
 */
import { failAloud, handOver, report, waitFor } from './channel.ts'
import { closeNetwork, leaveClosed, rejectedPackets, waysOut } from './network.ts'

await failAloud(main())

async function main(): Promise<void> {
  // Not taken back then: whatever ended the firewall without a word opens nothing.
  process.once('disconnect', () => process.exit(1))
  // Whoever pressed Ctrl-C meant the firewall, which tells us.
  for (const signal of ['SIGUSR1', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  const out = await waysOut()
  if (out.length > 0) throw new Error(`the network has a way out of its own: ${out.join(', ')}`)
  const detach = waitFor('detach')
  const doors = await closeNetwork({ takesLoopbackNames: true })
  await report({ kind: 'ready', handed: doors.map(([what]) => what) })
  await handOver(doors)
  await detach
  const rejected = await rejectedPackets()
  await leaveClosed()
  await report({ kind: 'ended', code: 0, signal: null, rejected })
  process.exit(0)
}
