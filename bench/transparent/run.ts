/**
 * `npm run bench:transparent`: how long `sallyport run` takes until its command runs, and a download of 1 GiB through
 * the sandbox, beside the same over a plain TCP relay.
 *
 * Both in turns, round by round, because the machine may be shared and noisy; the ratio is the median over the rounds.
 * The client is curl, for the stream Python. `-- --size 64M` and `-- --rounds 3` do less. The exit status is 1 where
 * a goal is missed: 0.6 × for each download, 400 ms for the start.
 */
import { execFileSync, fork, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeRoomForStreams } from '../../bin/heap.ts'
import { createFirewall, createSandbox, parseSize } from '../../lib/index.ts'
import { layOut, median } from '../table.ts'

const GOAL = 0.6
const START_GOAL_MS = 400
const STARTS = 15
const HOST = 'big.bench.test'
/** Prints what came, and how fast. */
const STREAM = 'import socket, sys, time\nhost, port, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])\ns = socket.create_connection((host, port))\nstart = time.time()\ns.sendall(str(size).encode())\nb, got = bytearray(1 << 18), 0\nwhile got < size:\n n = s.recv_into(b)\n if n == 0: break\n got += n\nprint(got, got / (time.time() - start))'
const option = (name: string, otherwise: string): string => process.argv[process.argv.indexOf(name) + 1 || process.argv.length] ?? otherwise
const size = parseSize(option('--size', '1G')) ?? 0
const rounds = Number(option('--rounds', '5'))
if (size === 0 || !(rounds >= 1)) throw new Error('usage: --size 1G --rounds 5')

const dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
const children = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

const [cert, key] = ['origin.crt', 'origin.key'].map(name => join(dir, name)) as [string, string]
execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=bench',
  '-addext', `subjectAltName=DNS:${HOST}`, '-keyout', key, '-out', cert], { stdio: 'ignore' })
const origin = await launch('origin', cert, key)
const relay = await launch('relay', ...origin.map(String))
// As `sallyport run` does.
makeRoomForStreams()
const firewall = await createFirewall({
  policy: { version: 1, unmatched: 'deny', rules: [
    { id: 'web', host: HOST, scheme: ['http', 'https'], port: origin.slice(0, 2), private: true, access: 'full' },
    { id: 'stream', host: HOST, scheme: 'tcp', port: origin[2]!, private: true },
  ] } as never,
  certs: join(dir, 'ca'), upstreamCa: [cert], lookup: async () => ['127.0.0.1'], audit: join(dir, 'audit.jsonl'), env: {},
})

const start = median(Array.from({ length: STARTS }, startUp))
const rows = [['', 'plain relay', 'sandbox', 'ratio', 'goal', '']]
let isMissed = start >= START_GOAL_MS
for (const [index, what] of ['HTTP', 'HTTPS, judged', 'a stream'].entries()) {
  const figures: { readonly relay: number, readonly ours: number }[] = []
  // The first warms up the compilers of both.
  for (let round = -1; round < rounds; round++) {
    const both = { relay: 0, ours: 0 }
    for (const who of round % 2 === 0 ? ['relay', 'ours'] as const : ['ours', 'relay'] as const) both[who] = await download(who, index, round < 0 ? Math.min(size, 1 << 26) : size)
    if (round >= 0) figures.push(both)
  }
  const ratio = median(figures.map(({ relay, ours }) => ours / relay))
  isMissed ||= ratio < GOAL
  rows.push([what, `${median(figures.map(({ relay }) => relay)).toFixed(0)} MB/s`, `${median(figures.map(({ ours }) => ours)).toFixed(0)} MB/s`, `${ratio.toFixed(2)} ×`, `≥ ${GOAL} ×`, ratio >= GOAL ? 'met' : 'missed'])
}
process.stdout.write(`${size / 2 ** 20} MiB, ${rounds} rounds, medians, Node ${process.version}\n\n${layOut(rows)}\n\nstart to command: ${start.toFixed(0)} ms, median of ${STARTS} (goal: under ${START_GOAL_MS})\n`)
await firewall.close()
process.exit(isMissed ? 1 : 0)

/** @returns ms from the start of the program until its command runs; once the CA is there */
function startUp(): number {
  const program = fileURLToPath(new URL('../../bin/sallyport.js', import.meta.url))
  const from = Date.now()
  return Number(execFileSync(process.execPath, [program, 'run', '--certs', join(dir, 'ca'), '--', 'date', '+%s%3N'], { cwd: dir, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })) - from
}

/** @returns MB/s */
async function download(who: 'relay' | 'ours', index: number, bytes: number): Promise<number> {
  const port = (who === 'ours' ? origin : relay)[index]!
  const command = index === 2
    ? ['python3', '-c', STREAM, who === 'ours' ? HOST : '127.0.0.1', String(port), String(bytes)]
    : ['curl', '-sS', '-o', '/dev/null', '-w', '%{size_download} %{speed_download}', ...who === 'ours' ? [] : ['--resolve', `${HOST}:${port}:127.0.0.1`, '--cacert', cert], `${index === 0 ? 'http' : 'https'}://${HOST}:${port}/${bytes}`]
  const [file = '', ...args] = command
  const child = who === 'ours' ? await createSandbox({ firewall, command: file, args, cwd: dir }) : spawn(file, args)
  let out = ''
  let err = ''
  child.stdin?.end()
  child.stdout?.on('data', (chunk: Buffer) => { out += chunk.toString() })
  child.stderr?.on('data', (chunk: Buffer) => { err += chunk.toString() })
  await Promise.all([once(child.stdout!, 'close'), 'exited' in child ? child.exited : once(child, 'close')])
  const [received, speed] = out.split(' ').map(Number)
  if (received !== bytes || speed === undefined) throw new Error(`${file} got ${received} of ${bytes} bytes: ${err}`)
  return speed / 1e6
}

async function launch(...args: readonly string[]): Promise<readonly number[]> {
  const child = fork(fileURLToPath(new URL('ends.js', import.meta.url)), args)
  children.add(child)
  return (await once(child, 'message') as [{ ports: readonly number[] }])[0].ports
}
