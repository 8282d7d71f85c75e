/** The demo's internet: one HTTPS origin on loopback that answers for every name. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureContext } from 'node:tls'

export interface DemoOrigin {
  readonly port: number
  /** Requests that reached it, as `METHOD host/path`. */
  readonly reached: readonly string[]
  close(): Promise<void>
}

/** @param contextFor  the identity under a name */
export async function startOrigin(contextFor: (name: string) => SecureContext): Promise<DemoOrigin> {
  const reached: string[] = []
  const server = createServer({ SNICallback: (name, done) => done(null, contextFor(name)) }, (request, response) => {
    const host = request.headers.host?.replace(/:\d+$/, '') ?? ''
    request.resume()
    request.on('end', () => {
      reached.push(`${request.method} ${host}${request.url}`)
      const body = JSON.stringify({ from: host, path: request.url }) + '\n'
      response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) })
      response.end(body)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    reached,
    close: () => new Promise(resolve => {
      server.closeAllConnections()
      server.close(() => resolve())
    }),
  }
}
