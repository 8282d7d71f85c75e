/** What is published is what somebody needs who installs it, and nothing else; installing it runs no script that it needs. */
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VERSION } from '../../lib/version.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const readJson = (file: string): unknown => JSON.parse(readFileSync(join(ROOT, file), 'utf8'))

interface Manifest {
  readonly version: string
  readonly bin: Readonly<Record<string, string>>
  readonly types: string
  readonly exports: Readonly<Record<string, string | Readonly<Record<string, string>>>>
}
const manifest = readJson('package.json') as Manifest

interface Locked {
  readonly hasInstallScript?: boolean
  readonly resolved?: string
  readonly integrity?: string
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
const { packages: locked } = readJson('package-lock.json') as { packages: Readonly<Record<string, Locked>> }

interface Packed { readonly path: string, readonly size: number }

/** As npm would pack it now, asking no other machine. */
function packed(t: { teardown(call: () => unknown): void }): readonly Packed[] {
  const home = mkdtempSync(join(tmpdir(), 'sallyport-pack-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  const told = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--offline', '--no-update-notifier'], {
    cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env: { PATH: process.env['PATH'], HOME: home },
  })
  return (JSON.parse(told) as [{ files: Packed[] }])[0].files
}

/** All that may be in it. What is not named here is a mistake in `files` of package.json. */
const BELONGS = [
  /^(?:package\.json|README\.md|LICENSE|CHANGELOG\.md|SECURITY\.md|sbom\.cdx\.json|certs\/README\.md)$/,
  /^dist\/(?:lib|bin)\/[a-z\d/-]+(?:\.js|\.d\.ts)$/,
  /^lib\/config\/presets\/[a-z\d-]+\.json$/,
  /^dist\/lib\/config\/validators\.generated\.cjs$/,
  /^lib\/sandbox\/bridge\.mjs$/,
  /^lib\/conformance\/cases\/[a-z-]+\.json$/,
  /^lib\/console\/page\/[a-z]+\.(?:js|css|html|svg)$/,
  /^schemas\/[a-z-]+\.schema\.json$/,
  /^docs\/[A-Za-z\d/-]+\.(?:md|svg|png)$/,
  /^examples\/(?:docker-compose\/Dockerfile|[A-Za-z/-]+\.(?:ts|json|sh|md|yaml))$/,
]
const MAX_FILE_BYTES = 1024 ** 2

t.test('the tarball holds what it should, and nothing else', async t => {
  const files = packed(t)
  const paths = new Set(files.map(({ path }) => path))
  t.strictSame([...paths].filter(path => !BELONGS.some(pattern => pattern.test(path))), [], 'nothing that nobody needs')
  t.strictSame(files.filter(({ size }) => size > MAX_FILE_BYTES), [], 'no file above 1 MiB')

  const compiled = [...sources('lib'), ...sources('bin')].flatMap(file => [`dist/${file}.js`, `dist/${file}.d.ts`])
  const asTheyStand = ['schemas', 'docs', 'examples', 'lib/config/presets', 'lib/conformance/cases', 'lib/console/page'].flatMap(folder => under(folder)).filter(file => !/^docs\/.*\.ts$|tsconfig\.json$/.test(file))
  const pages = ['lib/sandbox/bridge.mjs', 'README.md', 'LICENSE', 'CHANGELOG.md', 'SECURITY.md', 'certs/README.md', 'package.json']
  t.strictSame([...compiled, ...asTheyStand, ...pages].filter(file => !paths.has(file)), [], 'nothing is missing, once it is built')
  for (const door of doors()) t.ok(paths.has(door), `package.json names ${door}`)
})

t.test('the program says by its first line what runs it, and by name that it can be run', async t => {
  // Before npm had anything to do with it.
  for (const file of Object.values(manifest.bin)) t.equal(statSync(join(ROOT, file)).mode & 0o111, 0o111, `${file} can be run`)
  for (const file of Object.values(manifest.bin)) t.ok(readFileSync(join(ROOT, file), 'utf8').startsWith('#!/usr/bin/env node\n'), file)
  // As the README calls it: npm makes a program of it, in a checkout as in an installed package. npm lets it be run when it links it into
  // its cache, and not again for a checkout that stands where another one did: so the build lets it be run.
  const said = execFileSync('npm', ['exec', '--offline', '--no', '--', 'sallyport', '--version'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] })
  t.equal(said, `${VERSION}\n`)
})

t.test('the version stands in two places and is the same', async t => {
  t.equal(manifest.version, VERSION)
  t.equal((locked[''] as Manifest | undefined)?.version, VERSION, 'and in the lock file')
  t.match(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8'), `\n## ${VERSION}`, 'and the changelog has it')
})

/** Packages that have an install script, and why nobody needs it. */
const SCRIPTS: Readonly<Record<string, string>> = {
  'node_modules/koffi': 'builds where no binary fits; the binaries are optional dependencies, one for each platform',
}

t.test('no package needs its install script', async t => {
  t.strictSame(Object.entries(locked).filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([name]) => name), Object.keys(SCRIPTS))

  const platforms = Object.keys(locked['node_modules/koffi']?.optionalDependencies ?? {})
  for (const system of ['linux-x64', 'linux-arm64', 'darwin-arm64', 'win32-x64']) t.ok(platforms.includes(`@koromix/koffi-${system}`), `koffi has a binary for ${system}`)
  for (const name of platforms) t.match(locked[`node_modules/${name}`], { optional: true, hasInstallScript: undefined }, `${name} is there to be left out, and runs nothing`)
  t.equal(typeof (createRequire(import.meta.url)('koffi') as { load: unknown }).load, 'function', 'koffi loads here')
})

t.test('the lock file binds every package by its content, and names no machine to take it from', async t => {
  for (const [name, { resolved, integrity }] of Object.entries(locked)) {
    if (name === '') continue
    t.equal(resolved, undefined, name)
    t.match(integrity, /^sha512-/, name)
  }
})

const tracked = ((): readonly string[] | null => {
  try {
    return execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\0').filter(file => file !== '')
  } catch {
    return null
  }
})()

t.test('no private key is in git', { skip: tracked === null && process.env['CI'] === undefined ? 'this is no git checkout' : false }, async t => {
  // The header and what a key begins with, also inside a string: a header alone is in many a test.
  const key = /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----(?:\s|\\[rn]|["'`+,]){0,12}(?:[A-Za-z\d+/]{40}|Proc-Type:)/
  t.match(`-----BEGIN EC PRIVATE KEY-----\n${'A'.repeat(64)}`, key, 'a key would be seen')
  t.ok(tracked?.includes('package.json'), 'there are files')
  for (const file of tracked ?? []) {
    if (/\.(?:key|p12|pfx|jks)$/.test(file)) t.fail(`${file} looks like a key`)
    if (isThere(file) && key.test(readFileSync(join(ROOT, file), 'latin1'))) t.fail(`${file} holds a private key`)
  }
})

/** Deleted and not yet committed is no matter. */
function isThere(file: string): boolean {
  try {
    readFileSync(join(ROOT, file))
    return true
  } catch {
    return false
  }
}

/** Files that package.json opens to a user of the package, patterns aside. */
function doors(): readonly string[] {
  const opened = Object.values(manifest.exports).flatMap(door => typeof door === 'string' ? [door] : Object.values(door))
  return [...Object.values(manifest.bin), manifest.types, ...opened.filter(door => !door.includes('*'))].map(door => door.replace(/^\.\//, ''))
}

/** TypeScript files of a folder, from the root, without their ending. */
function sources(folder: string): readonly string[] {
  return under(folder).filter(file => file.endsWith('.ts')).map(file => file.slice(0, -'.ts'.length))
}

function under(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }).filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name).slice(ROOT.length))
}
