/**
 * However an upstream frames, cuts and delays its answer, the client gets it byte for byte, or sees that it was cut.
 * `SEED=…` repeats a run, `FUZZ_CASES=…` makes it longer.
 */
import t from 'tap'
import { createHash } from 'node:crypto'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { openHouse } from '../helpers/house.ts'
import { seeded } from '../unit/decide/seeded.ts'
import type { Seeded } from '../unit/decide/seeded.ts'

const COUNT = 200 * Number(process.env['FUZZ_CASES'] ?? 1)
const LANES = 8

interface Answer {
  readonly status: number
  readonly framing: 'length' | 'chunked' | 'close'
  readonly fields: readonly string[]
  readonly body: Buffer
  readonly hasTrailer: boolean
  readonly interim: boolean
  /** Offset in the body behind which the connection is cut; null where the answer is whole. */
  readonly cutAt: number | null
  readonly seed: number
}

interface Got { readonly status: number, readonly body: Buffer, readonly isWhole: boolean, readonly fields: readonly string[], readonly trailers: readonly string[] }

t.test('answers in pieces', { timeout: 100_000 + COUNT * 200 }, async t => {
  const random = seeded()
  t.comment(`SEED=${random.seed}`)
  const planned = Array.from({ length: COUNT }, () => plan(random))
  const origin = createServer(socket => serve(socket, planned))
  await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
  t.teardown(() => origin.close())
  const { port } = origin.address() as AddressInfo
  const house = await openHouse(t, { version: 1, rules: [{ id: 'open', host: 'open.test', port, scheme: 'http', private: true }] })
  const agent = new Agent({ keepAlive: true, maxSockets: LANES })
  t.teardown(() => agent.destroy())
  await Promise.all(planned.map(async (answer, index) => {
    const got = await ask(agent, house.port, port, index)
    const { framing, cutAt, body, status, seed } = answer
    const what = `${index}: ${status} ${framing}, ${body.length} bytes${cutAt === null ? '' : `, cut at ${cutAt}`} (${seed})`
    if (cutAt === null) {
      t.ok(got.isWhole && got.status === status && digest(got.body) === digest(body), what, { status: got.status, isWhole: got.isWhole, bytes: got.body.length })
      t.strictSame(answer.fields.filter((_, at) => at % 2 === 0).map(name => valueOf(got.fields, name)), answer.fields.filter((_, at) => at % 2 === 1), `${what}: its fields`)
    } else {
      t.notOk(got.isWhole && got.status === status, `${what}: is not taken for whole`)
      t.equal(Buffer.compare(got.status === status ? got.body : Buffer.alloc(0), (got.status === status ? body : Buffer.alloc(0)).subarray(0, got.body.length)), 0, `${what}: what came is its beginning`)
    }
  }))
  t.equal((await house.closings(COUNT)).length, COUNT, 'one closing record each')
})

function plan(random: Seeded): Answer {
  const framing = random.pick(['length', 'chunked', 'close'] as const)
  const body = Buffer.alloc(random.pick([0, 1, 100, 8_191, 8_192, 8_193, 70_000, random.upTo(200_000)]))
  for (let at = 0; at < body.length; at++) body[at] = random.upTo(256)
  const isCut = framing !== 'close' && body.length > 1 && random.upTo(4) === 0
  return {
    framing, body, seed: random.upTo(2 ** 31),
    status: random.pick([200, 201, 206, 404, 500, 503]),
    fields: Array.from({ length: random.upTo(6) }, (_, n) => [`X-F${n}`, 'v'.repeat(1 + random.upTo(300))]).flat(),
    hasTrailer: framing === 'chunked' && random.upTo(3) === 0,
    interim: random.upTo(4) === 0,
    cutAt: isCut ? random.upTo(body.length) : null,
  }
}

/** Answers each request by its number, one after the other. */
function serve(socket: Socket, planned: readonly Answer[]): void {
  socket.on('error', () => {})
  let text = ''
  socket.on('data', chunk => {
    text += chunk.toString('latin1')
    const found = /^GET \/(\d+) [^]*?\r\n\r\n/.exec(text)
    if (found === null) return
    text = text.slice(found[0].length)
    void answerOn(socket, planned[Number(found[1])]!)
  })
}

async function answerOn(socket: Socket, answer: Answer): Promise<void> {
  const random = seeded(answer.seed)
  const head = [`HTTP/1.1 ${answer.status} Whatever`]
  for (let n = 0; n < answer.fields.length; n += 2) head.push(`${answer.fields[n]}: ${answer.fields[n + 1]}`)
  if (answer.framing === 'length') head.push(`Content-Length: ${answer.body.length}`)
  else head.push(answer.framing === 'chunked' ? 'Transfer-Encoding: chunked' : 'Connection: close')
  const whole = answer.body.subarray(0, answer.cutAt ?? answer.body.length)
  const parts: Uint8Array[] = [Buffer.from(`${answer.interim ? 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n' : ''}${head.join('\r\n')}\r\n\r\n`)]
  if (answer.framing !== 'chunked') parts.push(whole)
  else {
    for (let at = 0; at < whole.length;) {
      const size = Math.min(whole.length - at, 1 + random.upTo(9_000))
      parts.push(Buffer.from(`${size.toString(16)}\r\n`), whole.subarray(at, at + size), Buffer.from('\r\n'))
      at += size
    }
    if (answer.cutAt === null) parts.push(Buffer.from(`0\r\n${answer.hasTrailer ? 'X-Trailer: t\r\n' : ''}\r\n`))
  }
  const bytes = Buffer.concat(parts)
  const largest = random.pick([3, 50, 1_000, 30_000])
  let pieces = 0
  for (let at = 0; at < bytes.length;) {
    const size = pieces++ < 300 ? 1 + random.upTo(largest) : 65_536
    socket.write(bytes.subarray(at, at + size))
    at += size
    for (let turns = random.upTo(3); turns > 0; turns--) await new Promise(setImmediate)
  }
  if (answer.cutAt !== null) socket.destroy()
  else if (answer.framing === 'close') socket.end()
}

function ask(agent: Agent, proxy: number, port: number, index: number): Promise<Got> {
  return new Promise(resolve => {
    const sent = request({ agent, host: '127.0.0.1', port: proxy, path: `http://open.test:${port}/${index}`, headers: { Host: `open.test:${port}` } }, response => {
      const chunks: Buffer[] = []
      const end = (): void => resolve({ status: response.statusCode!, body: Buffer.concat(chunks), isWhole: response.complete, fields: response.rawHeaders, trailers: response.rawTrailers })
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', () => {})
      response.once('close', end)
    })
    // Cut before its head was read.
    sent.on('error', () => resolve({ status: 0, body: Buffer.alloc(0), isWhole: false, fields: [], trailers: [] }))
    sent.end()
  })
}

const digest = (body: Buffer): string => createHash('sha256').update(body).digest('hex')

function valueOf(fields: readonly string[], name: string): string | undefined {
  return fields.find((_, at) => at % 2 === 1 && fields[at - 1]!.toLowerCase() === name.toLowerCase())
}
