/** The internet of a trace: one HTTPS server on loopback that answers for every host, and sends on where the trace says so. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { hostsOf } from './trace.ts'
import type { Trace } from './trace.ts'

export interface Internet {
  readonly port: number
  /** PEM file of the root that its certificate is under. */
  readonly root: string
  close(): Promise<void>
}

const BODY = Buffer.alloc(1_024, 'x')

/** @param dir  where its certificate is put */
export async function openInternet(traces: readonly Trace[], dir: string): Promise<Internet> {
  const { cert, key } = makeCertificate(traces.flatMap(hostsOf), dir)
  const redirects = new Map(traces.flatMap(({ redirects }) => Object.entries(redirects)))
  const server = createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
    request.resume()
    request.on('end', () => {
      const to = redirects.get(`https://${request.headers.host?.replace(/:\d+$/, '')}${request.url}`)
      if (to !== undefined) return response.writeHead(302, { 'Location': to, 'Content-Length': 0 }).end()
      response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': BODY.length }).end(BODY)
    })
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    root: cert,
    close: () => new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}

/** Self-signed, for every host by its full name. */
export function makeCertificate(hosts: readonly string[], dir: string): { readonly cert: string, readonly key: string } {
  const [cert, key] = [join(dir, 'origin.crt'), join(dir, 'origin.key')]
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=bench',
    '-addext', `subjectAltName=${[...new Set(hosts)].map(host => `DNS:${host}`).join(',')}`, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { cert, key }
}
