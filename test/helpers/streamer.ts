/** A firewall and its origin in a process of their own, so that their memory can be read: run by large-bodies.test.ts. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { openHouse } from './house.ts'

const [, , wanted = '0'] = process.argv
const total = Number(wanted)
const chunk = Buffer.alloc(256 * 1024, 'x')

const origin = createServer((request, response) => {
  if (request.method === 'POST') {
    let bytes = 0
    request.on('data', (part: Buffer) => { bytes += part.length })
    request.on('end', () => response.end(String(bytes)))
    return
  }
  response.writeHead(200, { 'Content-Length': total })
  let left = total
  const send = (): void => {
    while (left > 0) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= part.length
      if (!response.write(part)) return void response.once('drain', send)
    }
    response.end()
  }
  send()
})
await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
const { port } = origin.address() as AddressInfo
const house = await openHouse({ teardown() {} }, { version: 1, rules: [{ id: 'open', host: 'open.test', port, private: true, access: 'full', scheme: ['http', 'https'] }] })
let peak = 0
setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()) }, 20).unref()
process.send?.({ port: house.port, originPort: port })
process.on('message', () => process.send?.({ peak }))
process.on('disconnect', () => process.exit())
