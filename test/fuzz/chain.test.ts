/**
 * Whatever happens to a log's writers, the log verifies whole and lost nothing that the disk took; whatever is done to the log
 * afterwards is found, at the first line where it shows. `property.ts` says how a run is repeated and made longer.
 */
import t from 'tap'
import fc from 'fast-check'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { GENESIS, verifyLog } from '../../lib/audit/chain.ts'
import { logFiles } from '../../lib/audit/files.ts'
import type { Known } from '../../lib/audit/line.ts'
import { testLog, turn } from '../unit/audit/log.ts'
import { createLogWorld } from './log-world.ts'
import type { LogWorld } from './log-world.ts'
import { SEED, holds, textOf } from './property.ts'

t.comment(`SEED=${SEED}`)

const home = mkdtempSync(join(tmpdir(), 'sallyport-fuzz-'))
process.on('exit', () => rmSync(home, { recursive: true, force: true }))
let folders = 0
const folder = (): string => {
  const path = join(home, String(folders++))
  mkdirSync(path)
  return path
}

const some = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values)

const text = textOf(['a.test', '/', '?a=b', '"', '\\', '\n', '\0', '{"event":"open"', ',"prev":"', '\u2028', 'ü', '\ud800', 'x'.repeat(300)], 5)
const known: fc.Arbitrary<Known> = fc.record({
  host: text, path: text, reason: text, client: text, action: some('allow', 'hold', 'deny'), port: some(443, -1, NaN),
  details: fc.dictionary(text, fc.oneof(text, fc.boolean(), fc.integer()), { maxKeys: 3 }),
}, { requiredKeys: [] })

type Step =
  | { readonly do: 'begin', readonly known: Known }
  | { readonly do: 'open' | 'close', readonly which: number }
  | { readonly do: 'notice', readonly says: string }
  | { readonly do: 'advance', readonly ms: number }
  | { readonly do: 'limit', readonly bytes: number | null, readonly piece: number }
  | { readonly do: 'kill', readonly bytes: number, readonly renamed: number }
  | { readonly do: 'turn' | 'restart' | 'intrude' }

const bytes = fc.oneof(fc.constant(0), fc.nat(40), fc.nat(3_000))
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: some('begin' as const), known }) },
  { weight: 10, arbitrary: fc.record({ do: some('open' as const, 'close' as const), which: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: some('notice' as const), says: text }) },
  { weight: 2, arbitrary: fc.record({ do: some('advance' as const), ms: some(0, 1, 500, 1_500) }) },
  { weight: 4, arbitrary: fc.record({ do: some('limit' as const), bytes: fc.option(bytes), piece: some(1, 100, 100_000) }) },
  { weight: 5, arbitrary: fc.record({ do: some('kill' as const), bytes, renamed: some(0, 0, 1, 2, 9) }) },
  { weight: 8, arbitrary: some({ do: 'turn' } as const, { do: 'turn' } as const, { do: 'turn' } as const, { do: 'restart' } as const, { do: 'intrude' } as const) },
)

async function take(world: LogWorld, step: Step): Promise<string | null | void> {
  switch (step.do) {
    case 'begin': return world.begin(step.known)
    case 'open': return world.open(step.which)
    case 'close': return world.close(step.which)
    case 'notice': return world.notice(step.says)
    case 'advance': return world.advance(step.ms)
    case 'limit': return world.limit(step.bytes, step.piece)
    case 'kill': return world.kill(step.bytes, step.renamed)
    case 'turn': return world.settle()
    case 'restart': return world.restart()
    case 'intrude': return world.intrude()
    default: return step satisfies never
  }
}

await t.test('writers', { timeout: 900_000 }, t => holds(t, { name: 'log-writers', says: 'a log loses nothing that the disk took, its half lines are kept and told, and every open flow ends once', cases: 60, inputs: fc.tuple(fc.record({ rotateBytes: some(null, 1, 900, 3_000), keep: some(1, 2, 1_000) }), fc.array(step, { minLength: 5, maxLength: 30, size: 'max' })) },
  async ([options, steps]) => {
    const own = folder()
    const world = await createLogWorld(own, options)
    for (const [at, step] of steps.entries()) {
      const wrong = await take(world, step)
      if (typeof wrong === 'string') return `after step ${at + 1}: ${wrong}`
    }
    const wrong = await world.finish()
    if (wrong === null) rmSync(own, { recursive: true })
    return wrong
  }))

type Change =
  | { readonly kind: 'byte', readonly at: number, readonly to: number }
  | { readonly kind: 'put', readonly at: number, readonly bytes: string }
  | { readonly kind: 'take' | 'cut', readonly at: number }
  | { readonly kind: 'lines', readonly what: 'remove' | 'double' | 'exchange' | 'move', readonly at: number, readonly and: number }
  | { readonly kind: 'files', readonly what: 'remove' | 'exchange' | 'double', readonly at: number, readonly and: number }

const place = fc.nat(2 ** 31 - 1)
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: some('byte' as const), at: place, to: fc.oneof(fc.constant(10), fc.nat(255)) }),
  fc.record({ kind: some('put' as const), at: place, bytes: textOf(['\n', 'a', '{}\n', '"', '0'], 3) }),
  fc.record({ kind: some('take' as const, 'cut' as const), at: place }),
  fc.record({ kind: some('lines' as const), what: some('remove' as const, 'double' as const, 'exchange' as const, 'move' as const), at: place, and: place }),
  fc.record({ kind: some('files' as const), what: some('remove' as const, 'exchange' as const, 'double' as const), at: place, and: place }),
)

/** Each file a list of its lines, each with its end; oldest first. */
type Files = readonly (readonly string[])[]

async function write(rotateBytes: number): Promise<{ readonly log: string, readonly files: Files }> {
  const log = testLog(folder())
  for (let run = 0; run < 2; run++) {
    const audit = await log.open({ rotateBytes, keep: 1_000 })
    for (let n = 0; n < 12; n++) {
      audit.begin(`${run}-${n}`, { host: 'a.test', path: `/${n}` }).close()
      if (n % 2 === 0) await turn()
    }
    await audit.close()
  }
  return { log: log.file, files: logFiles(log.file).map(file => readFileSync(file, 'latin1').match(/[^\n]*\n/g) ?? []) }
}
const written = await Promise.all([900, 3_000, 1_000_000].map(write))

await t.test('changes', { timeout: 900_000 }, t => holds(t, { name: 'log-changes', says: 'a change is found, and the first line where it shows is named', cases: 400, inputs: fc.tuple(fc.nat(written.length - 1), change) },
  async ([which, change]) => {
    const { log, files } = written[which]!
    const all = files.flat()
    const changed = changeOf(files, change)
    const names = logFiles(log)
    const touched = [...names.keys()].filter(index => changed.texts[index] !== files[index]!.join(''))
    for (const index of touched) {
      const text = changed.texts[index] ?? null
      if (text === null) rmSync(names[index]!)
      else writeFileSync(names[index]!, text, 'latin1')
    }
    const verdict = await verifyLog(log)
    for (const index of touched) writeFileSync(names[index]!, files[index]!.join(''), 'latin1')
    const { expected } = changed
    if (expected.kind === 'broken') {
      return verdict.kind === 'broken' && verdict.file === names[expected.file] && verdict.line === expected.line ? null
        : `line ${expected.line} of ${basename(names[expected.file]!)} is the first bad one, and found is ${JSON.stringify(verdict)}`
    }
    const [first, last] = [expected.order[0], expected.order.at(-1)]
    if (verdict.kind !== 'sound' || verdict.lines !== expected.order.length) return `these lines follow each other, and found is ${JSON.stringify(verdict)}`
    // What was cut off at an end shows by its first and last hashes alone.
    const isTold = (verdict.first?.prev === GENESIS) === (first === 0) && (last === undefined || all[last]!.includes(verdict.last!.hash))
    return isTold ? null : `it begins with line ${first} and ends with ${last}, and found is ${JSON.stringify(verdict)}`
  }))

interface Changed {
  /** One for each file; null: it is gone. */
  readonly texts: readonly (string | null)[]
  readonly expected:
    | { readonly kind: 'broken', readonly file: number, readonly line: number }
    /** Numbers of the lines as they were. */
    | { readonly kind: 'sound', readonly order: readonly number[] }
}

function changeOf(files: Files, change: Change): Changed {
  switch (change.kind) {
    case 'byte': return bytesChanged(files, change.at, (text, at) => text.slice(0, at) + String.fromCharCode(change.to) + text.slice(at + 1))
    case 'put': return bytesChanged(files, change.at, (text, at) => text.slice(0, at) + change.bytes + text.slice(at))
    case 'take': return bytesChanged(files, change.at, (text, at) => text.slice(0, at) + text.slice(at + 1))
    case 'cut': return bytesChanged(files, change.at, (text, at) => text.slice(0, at))
    case 'lines': return linesChanged(files, change)
    case 'files': return filesChanged(files, change)
    default: return change satisfies never
  }
}

/** The first byte that is another is in the first line that is. */
function bytesChanged(files: Files, place: number, edit: (text: string, at: number) => string): Changed {
  const file = place % files.length
  const was = files[file]!.join('')
  const is = edit(was, Math.floor(place / files.length) % (was.length + 1))
  const texts = files.map((lines, index) => index === file ? is : lines.join(''))
  let same = 0
  while (same < is.length && is[same] === was[same]) same++
  const isCut = same === is.length && (same === 0 || is.endsWith('\n'))
  if (!isCut) return { texts, expected: { kind: 'broken', file, line: is.slice(0, same).split('\n').length } }
  return ordered(files, files.map((_, index) => numbers(files, index).slice(0, index === file ? is.split('\n').length - 1 : Infinity)))
}

function linesChanged(files: Files, { what, at, and }: Extract<Change, { kind: 'lines' }>): Changed {
  const lists = files.map((_, index) => numbers(files, index))
  const find = (place: number): { list: number[], at: number } => {
    let at = place % lists.flat().length
    const list = lists.find(({ length }) => at < length || (at -= length) < 0)!
    return { list, at }
  }
  const [one, other] = [find(at), find(and)]
  switch (what) {
    case 'remove': one.list.splice(one.at, 1); break
    case 'double': other.list.splice(other.at, 0, one.list[one.at]!); break
    case 'move': other.list.splice(other.at, 0, ...one.list.splice(one.at, 1)); break
    case 'exchange': {
      const kept = one.list[one.at]!
      one.list[one.at] = other.list[other.at]!
      other.list[other.at] = kept
      break
    }
    default: what satisfies never
  }
  return ordered(files, lists)
}

function filesChanged(files: Files, { what, at, and }: Extract<Change, { kind: 'files' }>): Changed {
  const lists: (number[] | null)[] = files.map((_, index) => numbers(files, index))
  const [one, other] = [at % files.length, and % files.length]
  const kept = lists[one]!
  if (what === 'remove') lists[one] = files.length === 1 ? [] : null
  else {
    lists[one] = what === 'double' ? kept : lists[other]!
    lists[other] = kept
  }
  return ordered(files, lists)
}

/** Each line must follow the one before it; the first may be any. */
function ordered(files: Files, lists: readonly (readonly number[] | null)[]): Changed {
  const all = files.flat()
  const texts = lists.map(list => list?.map(number => all[number]!).join('') ?? null)
  let before: number | null = null
  for (const [file, list] of lists.entries()) {
    for (const [index, number] of (list ?? []).entries()) {
      if (before !== null && number !== before + 1) return { texts, expected: { kind: 'broken', file, line: index + 1 } }
      before = number
    }
  }
  return { texts, expected: { kind: 'sound', order: lists.flatMap(list => list ?? []) } }
}

/** The lines of a file, counted from 0 through all files. */
function numbers(files: Files, file: number): number[] {
  const from = files.slice(0, file).reduce((sum, lines) => sum + lines.length, 0)
  return files[file]!.map((_, index) => from + index)
}
