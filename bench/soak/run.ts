/**
 * `npm run soak -- [--seconds N] [--rate N] [--held N] [--flood N]`: load and faults, and what is left of them. Ends with 1 where
 * anything is left, let through or lost. On loopback only; `--seconds 600 --rate 1000 --held 10000` is the long one.
 */
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { verifyLog } from '../../lib/index.ts'
import { ask, open, quantile, shut } from './clients.ts'
import type { Served } from './clients.ts'
import type { Flood, FloodOrder } from './flooder.ts'
import { startSubject } from './process.ts'
import type { Subject } from './process.ts'
import { GRANT_MS } from './measure.ts'
import type { Measure } from './measure.ts'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '8' }, rate: { type: 'string', default: '300' }, held: { type: 'string', default: '500' }, flood: { type: 'string', default: '500' } } })
const [seconds, rate, heldCount, floodRate] = [Number(values.seconds), Number(values.rate), Number(values.held), Number(values.flood)]

const FLOODS = ['slow heads', 'slow bodies', 'heads without end', 'connections', 'questions'] as const
const MIB = 1024 ** 2
const folder = mkdtempSync(join(tmpdir(), 'sallyport-soak-'))
let wrong = 0
let heldReached = 0
const origin = createServer((request, response) => {
  if (request.headers.host?.startsWith('held.test') === true) heldReached++
  if (request.url === '/reset') request.socket.resetAndDestroy()
  else if (request.url === '/slow') setTimeout(() => response.end('slow'), 50)
  else response.end('ok')
})
await new Promise<void>(resolve => origin.listen(0, '127.0.0.1', resolve))
const { port: originPort } = origin.address() as AddressInfo

function say(what: string, value: string | number, isRight = true): void {
  if (!isRight) wrong++
  console.log(`${isRight ? ' ' : '!'} ${what.padEnd(58)} ${value}`)
}

const audit = join(folder, 'audit.jsonl')
const targetOf = ({ port }: Subject): { port: number, origin: number } => ({ port, origin: originPort })
const latency = ({ ms }: Served): string => `p50 ${quantile(ms, 0.5).toFixed(1)} ms, p99 ${quantile(ms, 0.99).toFixed(1)} ms, ${ms.length} answered`

try {
  console.log(`${seconds} s at ${rate} requests a second, ${heldCount} held at once`)
  let subject = await startSubject({ folder, audit, origin: originPort })
  await warmUp(subject)
  const before = await subject.measure()
  const quiet = await ask(targetOf(subject), { rate, seconds: Math.min(seconds, 20) })
  say('quiet', latency(quiet))
  await load(subject)
  for (const name of FLOODS) await flood(subject, name)
  await holdMany(subject)
  await jumpInTime(subject)
  await exhaust(subject)
  await subject.tell('answer')
  await idle(subject)
  compare(before, await subject.measure())
  subject = await crash(subject)
  await subject.close()
  await checkLog()
  await slowDisk()
  await fullDisk()
} finally {
  origin.close()
  origin.closeAllConnections()
  rmSync(folder, { recursive: true, force: true })
}
console.log(wrong === 0 ? 'nothing was left, let through or lost' : `${wrong} lines above are wrong`)
process.exitCode = wrong === 0 ? 0 : 1

/** Everything that is loaded or kept for good has been, before anything is measured. */
async function warmUp(subject: Subject): Promise<void> {
  await ask(targetOf(subject), { rate, seconds: 2, pathOf: n => n % 5 === 0 ? '/reset' : '/' })
  await shut(await open(subject.port, 100, n => heldRequest(n % 10)))
  await subject.tell('reload')
  await subject.tell('answer')
  await idle(subject)
}

/** With reloads, resets, half a request now and then, and a stop of the whole process. */
async function load(subject: Subject): Promise<void> {
  const reloading = setInterval(() => { void subject.tell('reload').catch(() => {}) }, 200)
  const halves = setInterval(() => { void open(subject.port, 5, () => 'GET http://open.test/ HTT').then(sockets => setTimeout(() => { void shut(sockets) }, 300)) }, 250)
  const stop = setTimeout(() => { subject.process.kill('SIGSTOP'); setTimeout(() => subject.process.kill('SIGCONT'), 300) }, seconds * 500)
  const served = await ask(targetOf(subject), { rate, seconds, pathOf: n => n % 50 === 0 ? '/reset' : n % 20 === 0 ? '/slow' : '/' })
  clearInterval(reloading)
  clearInterval(halves)
  clearTimeout(stop)
  const total = [...served.statuses.values()].reduce((sum, count) => sum + count, 0)
  say('under reloads, resets, half requests, SIGSTOP', latency(served))
  say('requests without an answer', served.statuses.get(0) ?? 0, (served.statuses.get(0) ?? 0) === 0)
  say('resets told as 502', `${served.statuses.get(502) ?? 0} of ${Math.ceil(total / 50)}`, (served.statuses.get(502) ?? 0) >= Math.floor(total / 50))
}

/** Others during a flood, and just before it. */
async function flood(subject: Subject, name: Flood): Promise<void> {
  const others = { rate: Math.min(rate, 200), seconds: Math.min(Math.max(seconds / 2, 2), 10) }
  const quiet = await ask(targetOf(subject), others)
  const flooder = fork(fileURLToPath(new URL('flooder.js', import.meta.url)), { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  await once(flooder, 'spawn')
  flooder.send({ flood: name, port: subject.port, origin: originPort, rate: floodRate, most: 1_000 } satisfies FloodOrder)
  const served = await ask(targetOf(subject), others)
  flooder.send('stop')
  const [made] = await once(flooder, 'message') as [number]
  flooder.disconnect()
  const ratio = quantile(served.ms, 0.99) / quantile(quiet.ms, 0.99)
  say(`others during a flood of ${name}`, `${latency(served)}, ${ratio.toFixed(1)} x the quiet p99 (${made} connections)`, (served.statuses.get(0) ?? 0) === 0)
  // A question outlives its clients, and counts as open for as long.
  await subject.tell('answer')
}

/** The same question for most, so that approvers are not what is measured. */
function heldRequest(n: number): string {
  return `GET http://held.test:${originPort}/${n % 150} HTTP/1.1\r\nHost: held.test:${originPort}\r\n\r\n`
}

async function holdMany(subject: Subject): Promise<void> {
  const sockets = await open(subject.port, heldCount, heldRequest)
  let measured = await subject.measure()
  for (let n = 0; n < 100 && measured.waiting < heldCount; n++) { await new Promise(resolve => setTimeout(resolve, 100)); measured = await subject.measure() }
  say('held at once', `${measured.waiting} of ${heldCount}, ${measured.questions} questions`, measured.waiting === heldCount)
  const served = await ask(targetOf(subject), { rate: Math.min(rate, 100), seconds: 2 })
  say('others meanwhile', latency(served))
  const told = Promise.all(sockets.slice(0, heldCount / 2).map(socket => new Promise<string>(resolve => { socket.once('data', (bytes: Buffer) => resolve(bytes.toString('latin1', 0, 12))) ; socket.once('close', () => resolve('')) })))
  await shut(sockets.slice(heldCount / 2))
  await subject.tell('answer')
  const answers = await told
  say('of those that waited, denied', `${answers.filter(head => head === 'HTTP/1.1 403').length} of ${answers.length}`, answers.every(head => head === 'HTTP/1.1 403'))
  await shut(sockets)
  say('held requests that reached the origin', heldReached, heldReached === 0)
}

/** Whether the wall clock is set back or forth: a grant ends in its time, and not later. */
async function jumpInTime(subject: Subject): Promise<void> {
  const target = { ...targetOf(subject), host: 'held.test' }
  const once = { rate: 4, seconds: 0.25 }
  for (const jump of ['back', 'forth'] as const) {
    const sockets = await open(subject.port, 1, heldRequest)
    for (let n = 0; n < 100 && (await subject.measure()).waiting === 0; n++) await new Promise(resolve => setTimeout(resolve, 20))
    await subject.tell('grant')
    const granted = await ask(target, once)
    await subject.tell(jump)
    await new Promise(resolve => setTimeout(resolve, GRANT_MS))
    const before = heldReached
    const late = await open(subject.port, 3, heldRequest)
    await new Promise(resolve => setTimeout(resolve, 200))
    say(`a grant of ${GRANT_MS} ms, and the clock set ${jump} an hour`, `${granted.statuses.get(200) ?? 0} within it, ${heldReached - before} after it`, granted.ms.length > 0 && heldReached === before)
    heldReached = 0
    await shut([...sockets, ...late])
    await subject.tell('answer')
  }
  await subject.tell('back')
}

/** Each line takes as long as on a disk that is at its end. */
async function slowDisk(): Promise<void> {
  const subject = await startSubject({ folder, audit: join(folder, 'slow.jsonl'), origin: originPort, slowMs: 5 })
  const served = await ask(targetOf(subject), { rate: 50, seconds: 2 })
  await subject.close()
  const lines = readFileSync(join(folder, 'slow.jsonl'), 'utf8').split('\n').filter(line => line.includes('"closed"')).length
  say('with a disk that takes 5 ms for a line', `${latency(served)}, ${lines} recorded`, served.ms.length === lines && (served.statuses.get(0) ?? 0) === 0)
}

/** No descriptor is left for a while. */
async function exhaust(subject: Subject): Promise<void> {
  const { descriptors } = await subject.measure()
  const usual = spawnSync('prlimit', ['--pid', String(subject.process.pid), '--nofile', '--output=SOFT', '--noheadings'], { encoding: 'utf8' }).stdout?.trim()
  const limit = (soft: string): number | null => spawnSync('prlimit', ['--pid', String(subject.process.pid), `--nofile=${soft}`]).status
  if (limit(`${descriptors + 20}:`) !== 0) return say('EMFILE', 'left out: prlimit is not here')
  const sockets = await open(subject.port, 100, n => n % 2 === 0 ? 'GET http://open.test/' : heldRequest(n))
  await new Promise(resolve => setTimeout(resolve, 300))
  await shut(sockets)
  limit(`${usual}:`)
  await new Promise(resolve => setTimeout(resolve, 200))
  const served = await ask(targetOf(subject), { rate: 20, seconds: 1 })
  say('after EMFILE', latency(served), served.ms.length >= 15)
}

/** Until idle connections upstream and of clients were given up. */
async function idle(subject: Subject): Promise<void> {
  for (let n = 0, last = -1; n < 100; n++) {
    const { sockets, waiting } = await subject.measure()
    if (waiting === 0 && sockets === last) return
    last = sockets
    await new Promise(resolve => setTimeout(resolve, 300))
  }
}

function compare(before: Measure, after: Measure): void {
  const grown = (name: keyof Measure): number => after[name] - before[name]
  for (const name of ['sockets', 'descriptors', 'timers', 'waiting', 'questions', 'grants'] as const) say(`${name} before, after`, `${before[name]}, ${after[name]}`, grown(name) <= 0 || (name === 'timers' && grown(name) <= 1))
  // Caches that are bounded may have filled: hosts, groups, recent flows.
  say('heap before, after', `${(before.heapBytes / MIB).toFixed(1)}, ${(after.heapBytes / MIB).toFixed(1)} MiB`, grown('heapBytes') < 12 * MIB)
}

/** SIGKILL in mid-flow, half a line at the end of the log as a torn write leaves it, and a new start. */
async function crash(subject: Subject): Promise<Subject> {
  const sockets = await open(subject.port, 20, heldRequest)
  const asking = ask(targetOf(subject), { rate, seconds: 1, pathOf: () => '/slow' })
  await new Promise(resolve => setTimeout(resolve, 500))
  say('alive until SIGKILL', subject.process.exitCode === null ? 'yes' : 'no', subject.process.exitCode === null)
  await subject.kill()
  await asking
  await shut(sockets)
  const whole = readFileSync(audit, 'utf8')
  const kept = whole.slice(0, whole.lastIndexOf('\n') + 1)
  appendFileSync(audit, '{"event":"closed","time":"20')
  const again = await startSubject({ folder, audit, origin: originPort })
  say('what stood in the log before SIGKILL stands there still', 'yes', readFileSync(audit, 'utf8').startsWith(kept))
  const served = await ask(targetOf(again), { rate: 50, seconds: 1 })
  say('after SIGKILL and a new start', latency(served), served.ms.length >= 25)
  return again
}

async function checkLog(): Promise<void> {
  const verdict = await verifyLog(audit)
  say('the chain across the crash', verdict.kind === 'sound' ? `sound, ${verdict.lines} lines` : `broken at ${verdict.line}: ${verdict.problem}`, verdict.kind === 'sound')
  const ends = new Map<string, number>()
  const opened = new Set<string>()
  for (const line of readFileSync(audit, 'utf8').split('\n')) {
    if (line === '') continue
    const { event, flow } = JSON.parse(line) as { event: string, flow: string }
    if (event === 'open') opened.add(flow)
    if (event === 'closed' || event === 'interrupted') ends.set(flow, (ends.get(flow) ?? 0) + 1)
  }
  say('flows with more than one closing record', [...ends.values()].filter(count => count > 1).length, ![...ends.values()].some(count => count > 1))
  say('flows that opened and have none', [...opened].filter(flow => !ends.has(flow)).length, ![...opened].some(flow => !ends.has(flow)))
}

async function fullDisk(): Promise<void> {
  const disk = join(folder, 'disk')
  mkdirSync(disk)
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', disk]).status !== 0) return say('a full disk', 'left out: only root may mount one')
  try {
    const subject = await startSubject({ folder, audit: join(disk, 'audit.jsonl'), origin: originPort })
    const served = await ask(targetOf(subject), { rate: 200, seconds: 4 })
    const refused = served.statuses.get(503) ?? 0
    const lines = readFileSync(join(disk, 'audit.jsonl'), 'utf8').split('\n').length
    say('with a disk that fills up: answered, refused, recorded', `${served.ms.length}, ${refused}, ${lines}`, refused > 0)
    await subject.kill()
  } finally {
    spawnSync('umount', [disk])
  }
}
