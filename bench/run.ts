/**
 * The numbers of the README, and how to get them again: `npm run bench`.
 *
 * Every ratio is the median over the rounds of one run, our design beside the plain Node way in the same round
 * and in changing order, because the machine may be shared and noisy: rounds are many and short, so that what disturbs
 * one of them disturbs all designs in it. CPU is that of the proxy's own process.
 * `-- --short` does less of everything and judges nothing; without it the exit status is 1 when a goal is missed.
 */
import type { Socket } from 'node:net'
import { openLoad, oneRequest, openTunnel, requestText } from './load.ts'
import type { Load } from './load.ts'
import { KNOWN_HOST, openBench } from './processes.ts'
import type { Subject } from './processes.ts'
import { median, ratioRow, tableOf } from './table.ts'
import type { Row } from './table.ts'

const isShort = process.argv.includes('--short')
const ROUNDS = isShort ? 15 : 61
const CONNECTIONS = 50
/** Of a round. */
const REQUESTS = 400
const NEW_CONNECTIONS = isShort ? 10 : 25
const FIRST_CONTACTS = 4
/** Before anything counts, so that compilers have seen the code. */
const WARM_UP = isShort ? 2_500 : 10_000
const WARM_UP_CONNECTIONS = isShort ? 100 : 2_000
const STARTS = isShort ? 3 : 7
const HELD = isShort ? 500 : 3_000
const HOLDS = isShort ? 1 : 3
const MANY_RULES = 100_000

const bench = await openBench()
const rows = [...await compare(), ...await scale(), await hold()]
const title = `Node ${process.version}, ${ROUNDS} rounds, medians; × is beside plain Node in the same round.`
process.stdout.write(`\n${title}\n\n${tableOf(rows)}\n`)
const missed = rows.filter(row => row.isMet === false)
process.exit(missed.length > 0 && !isShort ? 1 : 0)

/** The designs in turns, each in a process of its own. */
async function compare(): Promise<Row[]> {
  const subjects = {
    plain: await bench.start('plain'),
    httpProxy: await bench.start('http-proxy'),
    ours: await bench.start('sallyport'),
    audited: await bench.start('sallyport', { audit: bench.file('audit.jsonl') }),
  }
  type Name = keyof typeof subjects
  const names = Object.keys(subjects) as Name[]
  const figures = { keepAlive: figuresOf(names), fresh: figuresOf(names), contact: figuresOf(names), start: figuresOf(names) }
  await keepAlive(Object.values(subjects), (round, cpu) => {
    for (const name of names) figures.keepAlive[name][round] = cpu.get(subjects[name])!
  })
  subjects.audited.stop()
  const unaudited = names.filter(name => name !== 'audited')
  progress('new connections')
  for (const name of unaudited) await times(WARM_UP_CONNECTIONS, () => oneRequest(subjects[name].target, KNOWN_HOST))
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of rotated(unaudited, round)) {
      const subject = subjects[name]
      figures.fresh[name].push(await cpuPer(subject, NEW_CONNECTIONS, () => times(NEW_CONNECTIONS, () => oneRequest(subject.target, KNOWN_HOST))))
    }
  }
  // Behind them: an upstream connection for each new host is closed some seconds later, and would be counted there.
  progress('first contacts')
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of rotated(unaudited, round)) {
      const subject = subjects[name]
      figures.contact[name].push(await timePer(FIRST_CONTACTS, () => times(FIRST_CONTACTS, n => oneRequest(subject.target, `n${round}-${n}.bench.test`))))
    }
  }
  for (const name of unaudited) subjects[name].stop()
  for (let round = 0; round < STARTS; round++) {
    progress(`start ${round + 1} of ${STARTS}`)
    for (const [name, design] of [['plain', 'plain'], ['ours', 'sallyport']] as const) {
      const subject = await bench.start(design)
      figures.start[name].push(subject.startMs)
      subject.stop()
    }
  }

  const ratio = (of: Record<Name, number[]>, name: Name): number => median(of[name].map((value, round) => value / of.plain[round]!))
  const micros = (of: Record<Name, number[]>): string => `${median(of.plain).toFixed(0)} µs`
  const { keepAlive: kept, fresh, contact, start } = figures
  return [
    ratioRow(`CPU of a request: HTTPS, kept alive, 1 KiB, ${CONNECTIONS} connections`, micros(kept), ratio(kept, 'httpProxy'), ratio(kept, 'ours'), 0.65),
    ratioRow('the same with an audit log in a file', micros(kept), null, ratio(kept, 'audited'), null),
    ratioRow('CPU of a new connection: CONNECT, TLS, one request', micros(fresh), ratio(fresh, 'httpProxy'), ratio(fresh, 'ours'), 1.1),
    ratioRow('time of a first contact: the same, and a certificate for a new host', micros(contact), ratio(contact, 'httpProxy'), ratio(contact, 'ours'), 1.3),
    { what: 'start of the process to its first answer', plain: `${median(start.plain).toFixed(0)} ms`, httpProxy: '', ours: `${median(start.ours).toFixed(0)} ms`, goal: '≤ 400 ms', isMet: median(start.ours) <= 400 },
  ]
}

/** Many rules beside ten. */
async function scale(): Promise<Row[]> {
  const few = await bench.start('sallyport')
  const many = await bench.start('sallyport', { rules: MANY_RULES })
  const speeds: number[] = []
  await keepAlive([few, many], (_, cpu) => { speeds.push(cpu.get(few)! / cpu.get(many)!) })
  few.stop()
  many.stop()
  const speed = median(speeds)
  return [{ what: `speed with ${MANY_RULES.toLocaleString('en')} rules, beside 10`, plain: '', httpProxy: '', ours: `${speed.toFixed(2)} ×`, goal: '≥ 0.9 ×', isMet: speed >= 0.9 }]
}

/** Memory of one held request: its connection, its TLS, its question. */
async function hold(): Promise<Row> {
  const sizes: number[] = []
  for (let round = 0; round < HOLDS; round++) {
    progress(`${HELD} held requests, ${round + 1} of ${HOLDS}`)
    sizes.push(await heldKilobytes())
  }
  const each = median(sizes)
  return { what: 'memory of a held request', plain: '', httpProxy: '', ours: `${each.toFixed(1)} KB`, goal: '≤ 45 KB', isMet: each <= 45 }
}

async function heldKilobytes(): Promise<number> {
  const subject = await bench.start('sallyport')
  const load = await openLoad(subject.target, KNOWN_HOST, CONNECTIONS)
  await load.run(WARM_UP)
  const before = await subject.ask('memory')
  const sockets: Socket[] = []
  let next = 0
  await Promise.all(Array.from({ length: 20 }, async () => {
    while (next < HELD) {
      const path = `/held/${next++}`
      const socket = await openTunnel(subject.target, 'held.bench.test')
      sockets.push(socket.on('error', () => {}))
      socket.write(requestText('held.bench.test', subject.target.originPort, path))
    }
  }))
  while (await subject.ask('waiting') < HELD) { /* the last of them are on their way */ }
  const each = (await subject.ask('memory') - before) / HELD / 1_000
  for (const socket of sockets) socket.destroy()
  subject.stop()
  return each
}

/** Requests on connections that stay open from round to round. @param tell microseconds of CPU that a request cost in the round */
async function keepAlive(subjects: readonly Subject[], tell: (round: number, cpu: ReadonlyMap<Subject, number>) => void): Promise<void> {
  const loads = new Map<Subject, Load>()
  for (const subject of subjects) {
    progress(`warming up, ${loads.size + 1} of ${subjects.length}`)
    const load = await openLoad(subject.target, KNOWN_HOST, CONNECTIONS)
    await load.run(WARM_UP)
    load.close()
    loads.set(subject, load)
  }
  // All at once, because a connection that idles for five seconds is closed by plain Node.
  for (const subject of subjects) loads.set(subject, await openLoad(subject.target, KNOWN_HOST, CONNECTIONS))
  progress(`${ROUNDS} rounds of ${REQUESTS} requests`)
  for (let round = 0; round < ROUNDS; round++) {
    const cpu = new Map<Subject, number>()
    for (const subject of rotated(subjects, round)) cpu.set(subject, await cpuPer(subject, REQUESTS, () => loads.get(subject)!.run(REQUESTS)))
    tell(round, cpu)
  }
  for (const load of loads.values()) load.close()
}

/** Microseconds of the proxy's CPU. */
async function cpuPer(subject: Subject, count: number, load: () => Promise<void>): Promise<number> {
  const before = await subject.ask('cpu')
  await load()
  return (await subject.ask('cpu') - before) / count
}

/** Microseconds of the clock. */
async function timePer(count: number, load: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await load()
  return (performance.now() - started) * 1_000 / count
}

async function times(count: number, call: (n: number) => Promise<void>): Promise<void> {
  for (let n = 0; n < count; n++) await call(n)
}

function figuresOf<K extends string>(names: readonly K[]): Record<K, number[]> {
  return Object.fromEntries(names.map(name => [name, []])) as unknown as Record<K, number[]>
}

function rotated<T>(list: readonly T[], by: number): T[] {
  const at = by % list.length
  return [...list.slice(at), ...list.slice(0, at)]
}

function progress(text: string): void {
  process.stderr.write(`bench: ${text}\n`)
}
