/** The origin of the benchmark, in a process of its own: 1 KiB over HTTPS, keep-alive. */
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'

const [, , certificate = '', key = ''] = process.argv
const body = Buffer.alloc(1024, 'x')
const server = createServer({ cert: readFileSync(certificate), key: readFileSync(key), keepAlive: true }, (request, response) => {
  request.resume()
  response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': body.length })
  response.end(body)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('disconnect', () => process.exit())
