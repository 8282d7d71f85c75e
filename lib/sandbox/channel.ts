/** The helper's end of the channel to the firewall: reports, the doors that it hands over, and one order awaited. */
import type { Socket } from 'node:dgram'
import type { Server } from 'node:net'
import type { Order, Report } from './messages.ts'
import type { Door } from './network.ts'

export function report(message: Report, handle?: Server | Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    process.send!(message, handle, {}, error => error === null ? resolve() : reject(error))
  })
}

/** Half of the connections would arrive here and wait for ever, were our copies left open; before they are sent there is nothing to close. */
export async function handOver(doors: readonly Door[]): Promise<void> {
  await Promise.all(doors.map(([what, handle]) => report({ kind: 'handed', what }, handle).then(() => handle.close())))
}

export function waitFor<Kind extends Order['kind']>(kind: Kind): Promise<Extract<Order, { kind: Kind }>> {
  return new Promise(resolve => {
    process.on('message', (order: Order) => { if (order.kind === kind) resolve(order as Extract<Order, { kind: Kind }>) })
  })
}

/** Whatever fails is said, and ends this process: no step is taken after one that failed. */
export async function failAloud(main: Promise<void>): Promise<void> {
  await main.catch((error: unknown) => report({ kind: 'failed', problem: error instanceof Error ? error.message : String(error) }).then(() => process.exit(1)))
}
