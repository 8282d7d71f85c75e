/**
 * What is outside, in a network of its own: a secure and a plain origin, a server that speaks first, a resolver that answers nobody.
 * Each thing that reaches it is a JSON line on standard output. Arguments: certificate, key.
 */
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { createServer as createHttp } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { createServer } from 'node:net'

const tell = what => process.stdout.write(`${JSON.stringify(what)}\n`)
const [cert, key] = process.argv.slice(2).map(file => readFileSync(file))
const answer = (request, response) => {
  tell({ request: `${request.method} ${request.headers.host}${request.url}` })
  response.end('ok\n')
}
const servers = [[createHttps({ cert, key }, answer), 443], [createHttp(answer), 80], [createServer(socket => {
  tell({ stream: socket.remoteAddress })
  socket.on('error', () => {})
  socket.write('hello from the database\n')
  socket.pipe(socket)
}), 5432]]
await Promise.all(servers.map(([server, port]) => new Promise(resolve => server.listen(port, '::', resolve))))
for (const [type, port] of [['udp4', 53], ['udp6', 53], ['udp4', 9999]]) {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  socket.on('message', message => tell({ datagram: message.toString('latin1'), port }))
  await new Promise(resolve => socket.bind(port, resolve))
}
tell({ up: true })
