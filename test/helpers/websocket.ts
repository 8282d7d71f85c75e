/** The server's side of a WebSocket (RFC 6455), as much as a test needs: short texts, one frame each. */
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Takes the upgrade, says a text, and answers each text with `echo ` before it.
 *
 * @param greeting at most 125 bytes, as is what the client sends
 */
export function greetAndEcho(request: IncomingMessage, socket: Socket, greeting: string): void {
  const accept = createHash('sha1').update(`${request.headers['sec-websocket-key']}${GUID}`).digest('base64')
  socket.on('error', () => {})
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`)
  socket.write(textFrame(greeting))
  socket.on('data', (frame: Buffer) => {
    if ((frame[0]! & 0x0f) === CLOSE) return void socket.end(Buffer.from([0x80 | CLOSE, 0]))
    socket.write(textFrame(`echo ${unmask(frame)}`))
  })
}

const TEXT = 1
const CLOSE = 8

function textFrame(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([Buffer.from([0x80 | TEXT, bytes.length]), bytes])
}

/** A client's frames are masked: two bytes of head, four of mask. */
function unmask(frame: Buffer): string {
  const mask = frame.subarray(2, 6)
  return Buffer.from(frame.subarray(6, 6 + (frame[1]! & 0x7f)).map((byte, at) => byte ^ mask[at % 4]!)).toString()
}
