/**
 * Who may open which door: the table of the house as data.
 * A row that must change is changed here and in docs/architecture.md, openly.
 */
import t from 'tap'
import ts from 'typescript'
import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

interface Doors { rooms: string[], packages: string[], node: string[] }
const doors = (rooms = '', packages = '', node = ''): Doors => ({ rooms: words(rooms), packages: words(packages), node: words(node) })
/** `fs/promises` is a part of `fs`. */
const builtin = (spec: string): string => spec.slice('node:'.length).split('/')[0]!
const words = (text: string): string[] => text.split(' ').filter(Boolean)

/** Room (or file) → what it may import. A room may always import itself. */
const HOUSE: Record<string, Doors> = {
  model: doors('', '', 'url'),
  identify: doors('model'),
  normalize: doors('model identify/authority'),
  decide: doors('model', 'micromatch tldts', 'net module'),
  hold: doors('model', 'lru-cache'),
  learn: doors('model decide'),
  agent: doors('model', '@modelcontextprotocol/sdk zod', 'http stream'),
  listen: doors('model identify normalize/host', '', 'net http http2 tls stream crypto'),
  forward: doors('model', 'undici http-proxy', 'net http https http2 tls dns stream module'),
  audit: doors('model', '', 'fs crypto diagnostics_channel path net'),
  tls: doors('model', 'node-forge lru-cache', 'fs path crypto tls module'),
  config: doors('model normalize/host decide/patterns', 'ajv', 'fs path module crypto url child_process os'),
  control: doors('model hold audit config', '', 'http net fs crypto path os'),
  term: doors('model control config/durations', 'ink react'),
  console: doors('model control config/package-root', '', 'http net fs crypto path'),
  approve: doors('model hold audit config', 'grammy', 'child_process readline tty http crypto net module'),
  sandbox: doors('model tls config/package-root', 'koffi dns-packet', 'child_process net dgram fs os path url events stream module'),
  conformance: doors('model tls normalize/host config/package-root', '', 'net tls http https fs path os child_process crypto dgram dns readline url'),
  'pipeline.ts': doors('model'),
  'limits.ts': doors(),
  'live.ts': doors('model'),
  'recorder.ts': doors('model audit pipeline hits underway'),
  'hits.ts': doors('model'),
}
/** Each package has one home (lru-cache two). */
const HOMES: Record<string, string[]> = {
  micromatch: ['decide'], tldts: ['decide'], undici: ['forward'], 'http-proxy': ['forward'], 'node-forge': ['tls'],
  'lru-cache': ['hold', 'tls'], ajv: ['config'], koffi: ['sandbox'], 'dns-packet': ['sandbox'], commander: ['bin'], '@modelcontextprotocol/sdk': ['agent'], zod: ['agent'],
  grammy: ['approve'], ink: ['term'], react: ['term'],
}

interface Import { from: string, spec: string }
const imports = (folder: string): Import[] => readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts'))
  .flatMap(file => importsIn(readFileSync(join(ROOT, folder, file), 'utf8'))
    .map(spec => ({ from: join(folder, file), spec })))

/** What is imported, and what is required because a package in CommonJS loads faster so. */
const importsIn = (code: string): string[] => [
  ...ts.preProcessFile(code).importedFiles.map(found => found.fileName),
  ...[...code.matchAll(/createRequire\(import\.meta\.url\)\('([^']+)'\)/g)].map(([, spec = '']) => spec),
]

const roomOf = (file: string): string => file.split('/')[1] ?? ''

t.test('every import goes through a door that is open', async t => {
  const seen = new Set<string>()
  for (const { from, spec } of imports('lib')) {
    const room = roomOf(from)
    const open = HOUSE[room]
    if (open === undefined) continue
    seen.add(room)
    if (spec.startsWith('node:')) t.ok(open.node.includes(builtin(spec)), `${from} may use ${spec}`)
    else if (spec.startsWith('.')) {
      const target = relative(join(ROOT, 'lib'), resolve(ROOT, dirname(from), spec)).replace(/\.ts$/, '')
      t.ok(spec.endsWith('.ts') || spec.endsWith('.generated.cjs'), `${from} names the ending of ${spec}`)
      t.ok(target.startsWith(`${room}/`) || open.rooms.some(door => target === door || target.startsWith(`${door}/`)), `${from} may import ${spec}`)
    } else t.ok(open.packages.some(name => spec === name || spec.startsWith(`${name}/`)), `${from} may use ${spec}`)
  }
  t.ok(seen.size > 8, 'the rooms were found')
})

t.test('each package has its one home', async t => {
  for (const { from, spec } of [...imports('lib'), ...imports('bin')]) {
    if (spec.startsWith('.') || spec.startsWith('node:')) continue
    const name = Object.keys(HOMES).find(name => spec === name || spec.startsWith(`${name}/`))
    t.ok(name !== undefined && HOMES[name]!.includes(from.startsWith('bin/') ? 'bin' : roomOf(from)), `${spec} is at home in ${from}`)
  }
})

/** What is installed before its room is built. */
const AWAITED = ['koffi', 'dns-packet']

t.test('every dependency is used, and what is used is a dependency', async t => {
  const used = new Set([...imports('lib'), ...imports('bin')].flatMap(({ spec }) => /^(?!\.|node:)(?:@[^/]+\/)?[^/]+/.exec(spec) ?? []))
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { dependencies: Record<string, string> }
  t.strictSame(Object.keys(dependencies).filter(name => !used.has(name) && !AWAITED.includes(name)), [], 'nobody imports these')
  t.strictSame([...used].filter(name => !(name in dependencies)), [], 'nobody installs these')
})

t.test('the program knows the front door alone', async t => {
  for (const { from, spec } of imports('bin')) {
    const inside = spec.startsWith('.') && !resolve(ROOT, dirname(from), spec).startsWith(join(ROOT, 'lib'))
    t.ok(spec.startsWith('node:') || spec === 'commander' || inside || spec.endsWith('lib/index.ts'), `${from} may import ${spec}`)
  }
})

t.test('nothing is required but by a name that stands there', async t => {
  for (const folder of ['lib', 'bin']) {
    for (const file of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))) {
      const code = readFileSync(join(ROOT, folder, file), 'utf8')
      t.equal(code.match(/createRequire\(/g)?.length ?? 0, code.match(/createRequire\(import\.meta\.url\)\('[^']+'\)/g)?.length ?? 0, `${folder}/${file}`)
    }
  }
})

/** What runs alone in another process, handed over as text, has no clock of ours. */
const ALONE = 'conformance/relay.ts'

t.test('time is read in one file', async t => {
  for (const file of readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts') && file !== 'model/clock.ts' && file !== ALONE)) {
    const code = readFileSync(join(ROOT, 'lib', file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
    t.notMatch(code, /(?<![.\w])(?:Date\.now\(|performance\.now\(|set(?:Timeout|Interval)\(|new Date\(\))/, `${file} takes its time from a clock`)
  }
})
