/** A piece of loopback that nobody listens on, so that runs on one machine do not meet. */
import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** The first three octets, and a dot. */
export type Net = string

/** Ports of every origin: of http, and of https. */
export const PORTS = [80, 443] as const

const TRIES = 20

/**
 * 127.64.16 to 127.99.63: every address of them is as long as any other in decimal, hex, octal and short, so that a length
 * that is written in a case stays true. A race with another run is lost by who binds last, loudly.
 *
 * @param choose an octet from the first up to, and without, the second. Default: at random
 * @throws when every one that was tried is taken, or the ports may not be bound
 */
export async function freeNet(addresses: number, choose: (from: number, to: number) => number = randomInt): Promise<Net> {
  for (let tried = 0; tried < TRIES; tried++) {
    const net = `127.${choose(64, 100)}.${choose(16, 64)}.`
    const bound = await Promise.all(Array.from({ length: addresses }, (_, index) => PORTS.map(port => isFree(port, `${net}${index + 1}`))).flat())
    if (bound.every(Boolean)) return net
  }
  throw new Error(`ports ${PORTS.join(' and ')} are taken in every net of ${TRIES} that were tried: does something listen on all addresses?`)
}

/** @throws when it may not be bound, whoever else has it */
function isFree(port: number, host: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false)
      else reject(error)
    })
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
