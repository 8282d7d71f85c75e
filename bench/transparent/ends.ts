/**
 * What stands beside the sandbox in the benchmark of downloads, in a process of its own each: `origin` sends as many bytes as
 * the path names, over HTTP, HTTPS and to whoever connects; `relay PORT…` is a plain TCP relay to each of these ports.
 */
import { readFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { Readable } from 'node:stream'

const [, , role = '', ...args] = process.argv
const CHUNK = Buffer.alloc(1 << 18, 'x')

const ports = role === 'origin' ? await openOrigin(args[0]!, args[1]!) : await Promise.all(args.map(Number).map(openRelay))
process.send?.({ ports })
process.on('disconnect', () => process.exit())

async function openOrigin(cert: string, key: string): Promise<readonly number[]> {
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const length = Number(request.url?.slice(1))
    response.writeHead(200, { 'Content-Length': length })
    bytes(length).pipe(response)
  }
  // Asked for a number of bytes in a line, as an opaque protocol would.
  const stream = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', asked => bytes(Number(asked.toString())).pipe(socket))
  })
  return Promise.all([createHttp(answer), createHttps({ cert: readFileSync(cert), key: readFileSync(key) }, answer), stream].map(listening))
}

function openRelay(port: number): Promise<number> {
  return listening(createServer(socket => {
    const upstream = connect(port, '127.0.0.1')
    for (const each of [socket, upstream]) each.on('error', () => { socket.destroy(); upstream.destroy() })
    socket.pipe(upstream)
    upstream.pipe(socket)
  }))
}

function bytes(length: number): Readable {
  let left = length
  return new Readable({
    highWaterMark: CHUNK.length,
    read() {
      const size = Math.min(left, CHUNK.length)
      left -= size
      this.push(size === 0 ? null : CHUNK.subarray(0, size))
    },
  })
}

function listening(server: Server): Promise<number> {
  return new Promise(resolve => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}
