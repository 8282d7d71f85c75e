/**
 * The numbers of the README, and how to get them again: `npm run bench`.
 *
 * Every figure is a ratio of medians from one run, our design beside the plain Node way, in turns, because
 * the machine may be shared and noisy. CPU is that of the proxy's own process. `--short` does less of
 * everything and judges nothing; without it the exit status is 1 when a goal is missed.
 */
import { execFileSync, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createRequester, openTunnel, requestText, targetOf } from './load.ts'
import type { Target } from './load.ts'
import type { Ready, SubjectArguments, Usage } from './subject.ts'

const isShort = process.argv.includes('--short')
const ROUNDS = isShort ? 3 : 7
const CONNECTIONS = 50
const REQUESTS = isShort ? 3_000 : 15_000
const NEW_CONNECTIONS = isShort ? 60 : 300
const FIRST_CONTACTS = isShort ? 20 : 60
const HELD = isShort ? 300 : 1_000
const BODY = 1_024

const dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
const children: ChildProcess[] = []
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

interface Subject {
  readonly target: Target
  readonly child: ChildProcess
  /** Milliseconds from the start of its process to the first answer through it. */
  readonly startMs: number
  usage(): Promise<Usage>
  stop(): void
}

const originPort = await startOrigin()
const rows: string[][] = []
const missed: string[] = []

await compare()
await scale()
await hold()
print()
process.exit(missed.length > 0 && !isShort ? 1 : 0)

/** The three designs in turns. */
async function compare(): Promise<void> {
  const designs = ['plain', 'http-proxy', 'sallyport'] as const
  const subjects = await inTurn(designs, design => startSubject(design))
  const cpu = new Map(designs.map(design => [design, { keepAlive: [] as number[], fresh: [] as number[], contact: [] as number[] }]))
  for (let round = 0; round < ROUNDS; round++) {
    progress(`round ${round + 1} of ${ROUNDS}`)
    for (const design of designs) {
      const subject = subjects.get(design)!
      const figures = cpu.get(design)!
      figures.keepAlive.push(await cpuPer(subject, REQUESTS, () => keepAlive(subject.target)))
      figures.fresh.push(await cpuPer(subject, NEW_CONNECTIONS, () => newConnections(subject.target)))
      figures.contact.push(await timePer(FIRST_CONTACTS, () => firstContacts(subject.target, round)))
    }
  }
  const of = (design: typeof designs[number]) => cpu.get(design)!
  const plain = of('plain')
  const ratio = (pick: 'keepAlive' | 'fresh' | 'contact', design: 'http-proxy' | 'sallyport'): number => median(of(design)[pick].map((value, i) => value / plain[pick][i]!))
  const micros = (values: number[]): string => `${median(values).toFixed(0)} µs`
  row('CPU per 1 KiB request, HTTPS keep-alive, 50 connections', micros(plain.keepAlive), ratio('keepAlive', 'http-proxy'), ratio('keepAlive', 'sallyport'), 0.65)
  row('CPU per new connection (CONNECT, TLS, one request)', micros(plain.fresh), ratio('fresh', 'http-proxy'), ratio('fresh', 'sallyport'), 1.1)
  row('time of a first contact with a new host', micros(plain.contact), ratio('contact', 'http-proxy'), ratio('contact', 'sallyport'), 1.3)
  const starts = [subjects.get('sallyport')!.startMs]
  for (const subject of subjects.values()) subject.stop()
  for (let round = 1; round < (isShort ? 3 : 5); round++) {
    const subject = await startSubject('sallyport')
    starts.push(subject.startMs)
    subject.stop()
  }
  limit('start of the process to the first answer, ms', median(starts), 400)
}

/** 100,000 rules beside 10. */
async function scale(): Promise<void> {
  const few = await startSubject('sallyport', 10)
  const many = await startSubject('sallyport', 100_000)
  const speeds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    progress(`rules, round ${round + 1} of ${ROUNDS}`)
    const a = await cpuPer(few, REQUESTS, () => keepAlive(few.target))
    const b = await cpuPer(many, REQUESTS, () => keepAlive(many.target))
    speeds.push(a / b)
  }
  few.stop()
  many.stop()
  const speed = median(speeds)
  rows.push(['speed with 100,000 rules, beside 10', '', '', speed.toFixed(2), '≥ 0.90', speed >= 0.9 ? 'met' : 'MISSED'])
  if (speed < 0.9) missed.push('100,000 rules')
}

/** Memory of one held request: its connection, its TLS, its question. */
async function hold(): Promise<void> {
  progress(`${HELD} held requests`)
  const subject = await startSubject('sallyport')
  const sockets = await Promise.all(Array.from({ length: 20 }, () => openTunnel(subject.target, 'held.bench.test')))
  const before = await subject.usage()
  for (let n = 0; n < HELD; n++) {
    const socket = await openTunnel(subject.target, 'held.bench.test')
    socket.on('error', () => {})
    socket.write(requestText('held.bench.test', originPort, `/held/${n}`))
    sockets.push(socket)
  }
  let after = await subject.usage()
  while (after.pending < HELD) after = await subject.usage()
  limit('memory per held request, KB', (after.rssBytes - before.rssBytes) / HELD / 1_000, 45)
  for (const socket of sockets) socket.destroy()
  subject.stop()
}

async function keepAlive(target: Target): Promise<void> {
  const host = 'keep.bench.test'
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => openTunnel(target, host)))
  const text = requestText(host, originPort)
  let left = REQUESTS
  await Promise.all(sockets.map(async socket => {
    const send = createRequester(socket, text, BODY)
    while (left-- > 0) await send()
  }))
  for (const socket of sockets) socket.destroy()
}

async function newConnections(target: Target): Promise<void> {
  for (let n = 0; n < NEW_CONNECTIONS; n++) await oneRequest(target, 'keep.bench.test')
}

async function firstContacts(target: Target, round: number): Promise<void> {
  for (let n = 0; n < FIRST_CONTACTS; n++) await oneRequest(target, `n${round}-${n}.bench.test`)
}

async function oneRequest(target: Target, host: string): Promise<void> {
  const socket = await openTunnel(target, host)
  await createRequester(socket, requestText(host, originPort), BODY)()
  socket.destroy()
}

async function startOrigin(): Promise<number> {
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=bench',
    '-addext', 'subjectAltName=DNS:*.bench.test', '-keyout', join(dir, 'origin.key'), '-out', join(dir, 'origin.crt')], { stdio: 'ignore' })
  const child = start('origin', [join(dir, 'origin.crt'), join(dir, 'origin.key')])
  const { port } = await message<{ port: number }>(child)
  return port
}

async function startSubject(design: SubjectArguments['design'], rules = 10): Promise<Subject> {
  const args: SubjectArguments = { design, dir: join(dir, 'ca'), originPort, originCa: join(dir, 'origin.crt'), rules }
  const started = performance.now()
  const child = start('subject', [JSON.stringify(args)])
  const ready = await message<Ready>(child)
  const target = targetOf(ready.port, readFileSync(ready.caFile, 'utf8'), originPort)
  await oneRequest(target, 'keep.bench.test')
  const startMs = performance.now() - started
  return {
    target, child, startMs,
    usage() {
      child.send('usage')
      return message<Usage>(child)
    },
    stop: () => { child.kill('SIGKILL') },
  }
}

function start(name: string, args: readonly string[]): ChildProcess {
  const child = fork(fileURLToPath(new URL(`${name}.js`, import.meta.url)), args, { execArgv: ['--expose-gc'], env: { PATH: process.env['PATH'] } })
  children.push(child)
  return child
}

function message<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve as (value: unknown) => void)
    child.once('exit', code => reject(new Error(`a process of the benchmark ended with ${code}`)))
  })
}

/** Microseconds of the proxy's CPU. */
async function cpuPer(subject: Subject, count: number, load: () => Promise<void>): Promise<number> {
  const before = await subject.usage()
  await load()
  const after = await subject.usage()
  return (after.cpuMicros - before.cpuMicros) / count
}

/** Microseconds of the clock. */
async function timePer(count: number, load: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await load()
  return (performance.now() - started) * 1_000 / count
}

async function inTurn<K extends string, T>(names: readonly K[], make: (name: K) => Promise<T>): Promise<Map<K, T>> {
  const made = new Map<K, T>()
  for (const name of names) made.set(name, await make(name))
  return made
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

function row(what: string, plain: string, other: number, ours: number, goal: number): void {
  rows.push([what, plain, `${other.toFixed(2)} ×`, `${ours.toFixed(2)} ×`, `≤ ${goal} ×`, ours <= goal ? 'met' : 'MISSED'])
  if (ours > goal) missed.push(what)
}

function limit(what: string, value: number, goal: number): void {
  rows.push([what, '', '', value.toFixed(1), `≤ ${goal}`, value <= goal ? 'met' : 'MISSED'])
  if (value > goal) missed.push(what)
}

function print(): void {
  const header = ['', 'plain Node', 'http-proxy', 'sallyport', 'goal', '']
  const all = [header, ...rows]
  const widths = header.map((_, i) => Math.max(...all.map(cells => (cells[i] ?? '').length)))
  process.stdout.write(`\nNode ${process.version}, ${ROUNDS} rounds, medians; × is beside plain Node in the same round\n\n`)
  for (const cells of all) process.stdout.write(`${cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join('  ').trimEnd()}\n`)
}

function progress(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}
