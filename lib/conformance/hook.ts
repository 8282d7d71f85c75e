/** The operator's hook: a webhook that does what the case of each lane says, and has no opinion of anything else. */
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../model/clock.ts'
import type { Instruction } from './steps/step.ts'

export interface Hook {
  readonly url: string
  /** For the next questions about this host; forgets what was left of before. */
  instruct(host: string, plan: readonly Instruction[]): void
  close(): Promise<void>
}

export async function openHook(clock: Clock): Promise<Hook> {
  const plans = new Map<string, Instruction[]>()
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => { text += chunk.toString() })
    request.on('error', () => {})
    request.on('end', () => follow(plans.get(hostIn(text))?.shift() ?? { status: 204 }, response, clock))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    instruct: (host, plan) => void plans.set(host, [...plan]),
    close: () => new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

function follow({ answer, status = 200, afterMs = 0, instead, padding = 0 }: Instruction, response: ServerResponse, clock: Clock): void {
  if (instead === 'silence') return
  if (instead === 'reset') return void response.socket?.resetAndDestroy()
  const body = answer === undefined ? '' : typeof answer === 'string' ? answer : JSON.stringify(answer)
  const reply = (): void => {
    response.on('error', () => {})
    response.writeHead(status, { 'Content-Type': 'application/json' })
    response.end(body + ' '.repeat(padding))
  }
  if (afterMs === 0) reply()
  else clock.after(afterMs, reply)
}

function hostIn(text: string): string {
  try {
    return (JSON.parse(text) as { held?: { host?: string } }).held?.host ?? ''
  } catch {
    return ''
  }
}
