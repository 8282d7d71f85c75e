/** Go, cargo and apt with mirrors of their own: what each is set to is what the firewall opens, and is enough for it. */
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { bareEnvironment, needing, openFolder, run, wantingCargo } from '../helpers/clients.ts'
import type { Env } from '../helpers/clients.ts'
import { startFiles } from '../helpers/files.ts'
import { serve } from '../helpers/serve.ts'

const through = (home: string, proxy: string, more: Env = {}): Env => ({ ...bareEnvironment(home), http_proxy: proxy, ...more })
const resolve = (name: string, port: number): readonly string[] => ['--resolve', `${name}:${port}:127.0.0.1`]
const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

t.test('go: a module comes from the proxy that go is set to', { ...needing('Go', ['go', 'version']), timeout: 90_000 }, async t => {
  const home = openFolder(t)
  const archive = join(home, 'tiny.zip')
  const mod = 'module mod.test/tiny\n'
  const root = 'mod.test/tiny@v1.0.0'
  execFileSync('python3', ['-c', `import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n  z.writestr('${root}/go.mod', sys.argv[2])\n  z.writestr('${root}/tiny.go', 'package tiny\\n')`, archive, mod])
  const mirror = await startFiles(t, {
    '/go/mod.test/tiny/@v/list': 'v1.0.0\n',
    '/go/mod.test/tiny/@v/v1.0.0.info': '{"Version":"v1.0.0"}',
    '/go/mod.test/tiny/@v/v1.0.0.mod': mod,
    '/go/mod.test/tiny/@v/v1.0.0.zip': readFileSync(archive),
  })
  mkdirSync(join(home, '.config/go'), { recursive: true })
  writeFileSync(join(home, '.config/go/env'), `GOPROXY=http://go.test:${mirror.port}/go,direct\nGOSUMDB=off\n`)
  const { proxy } = await serve(t, home, { version: 1, unmatched: 'deny', use: [{ preset: 'go', private: true }] }, resolve('go.test', mirror.port))
  const go = (...args: string[]): ReturnType<typeof run> => run(['go', ...args], { env: through(home, proxy, { GOFLAGS: '-modcacherw', GOTOOLCHAIN: 'local' }), cwd: home })
  const got = await go('mod', 'download', '-json', 'mod.test/tiny@latest')
  t.equal(got.status, 0, got.output)
  t.ok(existsSync(join(home, 'go/pkg/mod', root, 'tiny.go')))

  const other = await go('mod', 'download', 'other.test/x@v1.0.0')
  t.not(other.status, 0, 'what the proxy does not have is not fetched from anywhere else')
})

t.test('cargo: a crate comes from the registry that stands in for the default, its bytes from where the policy says', { ...wantingCargo(), timeout: 90_000 }, async t => {
  const home = openFolder(t)
  mkdirSync(join(home, 'tiny-1.0.0/src'), { recursive: true })
  writeFileSync(join(home, 'tiny-1.0.0/Cargo.toml'), '[package]\nname = "tiny"\nversion = "1.0.0"\nedition = "2018"\n')
  writeFileSync(join(home, 'tiny-1.0.0/src/lib.rs'), '')
  const crate = execFileSync('tar', ['-czf', '-', '-C', home, 'tiny-1.0.0'])
  const files = await startFiles(t, { '/dl/tiny/1.0.0/download': crate })
  const index = await startFiles(t, {
    '/index/config.json': JSON.stringify({ dl: `http://crates.test:${files.port}/dl` }),
    '/index/ti/ny/tiny': `${JSON.stringify({ name: 'tiny', vers: '1.0.0', deps: [], cksum: sha256(crate), features: {}, yanked: false })}\n`,
  })
  // A shim that picks a toolchain looks for it in its own home.
  const toolchain = { CARGO_HOME: join(home, 'cargo'), RUSTUP_HOME: process.env['RUSTUP_HOME'] ?? join(homedir(), '.rustup') }
  mkdirSync(toolchain.CARGO_HOME)
  writeFileSync(join(toolchain.CARGO_HOME, 'config.toml'), `[source.crates-io]\nreplace-with = "mirror"\n[source.mirror]\nregistry = "sparse+http://index.test:${index.port}/index/"\n`)
  const use = [{ preset: 'cargo', files: `http://crates.test:${files.port}/dl`, private: true }]
  const { proxy } = await serve(t, home, { version: 1, unmatched: 'deny', use }, [...resolve('index.test', index.port), ...resolve('crates.test', files.port)], toolchain)

  mkdirSync(join(home, 'project/src'), { recursive: true })
  writeFileSync(join(home, 'project/Cargo.toml'), '[package]\nname = "project"\nversion = "1.0.0"\nedition = "2018"\n[dependencies]\ntiny = "1"\n')
  writeFileSync(join(home, 'project/src/lib.rs'), '')
  const fetched = await run(['cargo', 'fetch'], { env: through(home, proxy, { ...toolchain, CARGO_NET_RETRY: '0' }), cwd: join(home, 'project') })
  t.equal(fetched.status, 0, fetched.output)
  t.match(readFileSync(join(home, 'project/Cargo.lock'), 'utf8'), sha256(crate))
  t.strictSame(files.requests.map(({ url }) => url), ['/dl/tiny/1.0.0/download'])
})

t.test('apt: lists and a package come from the mirror of its sources', { ...needing('apt', ['apt-get', '--version']), timeout: 90_000 }, async t => {
  const home = openFolder(t)
  const architecture = execFileSync('dpkg', ['--print-architecture']).toString().trim()
  const deb = 'what would be a package'
  const packages = `Package: tiny\nVersion: 1.0\nArchitecture: ${architecture}\nMaintainer: Ann <ann@mirror.test>\nFilename: pool/main/t/tiny/tiny_1.0_${architecture}.deb\nSize: ${deb.length}\nSHA256: ${sha256(deb)}\nDescription: tiny\n`
  const list = `main/binary-${architecture}/Packages`
  const mirror = await startFiles(t, {
    '/linux/dists/stable/Release': `Suite: stable\nCodename: stable\nComponents: main\nArchitectures: ${architecture}\nDate: Mon, 01 Jan 2024 00:00:00 UTC\nSHA256:\n ${sha256(packages)} ${packages.length} ${list}\n`,
    [`/linux/dists/stable/${list}`]: packages,
    [`/linux/pool/main/t/tiny/tiny_1.0_${architecture}.deb`]: deb,
  })
  for (const folder of ['state/lists/partial', 'cache/archives/partial', 'parts', 'out']) mkdirSync(join(home, folder), { recursive: true })
  writeFileSync(join(home, 'status'), '')
  writeFileSync(join(home, 'sources.list'), `deb [trusted=yes] http://mirror.test:${mirror.port}/linux stable main\n`)
  writeFileSync(join(home, 'apt.conf'), Object.entries({
    'Dir::Etc::sourcelist': join(home, 'sources.list'), 'Dir::Etc::sourceparts': join(home, 'parts'), 'Dir::State': join(home, 'state'),
    'Dir::State::status': join(home, 'status'), 'Dir::Cache': join(home, 'cache'), 'APT::Sandbox::User': 'root', 'Acquire::Languages': 'none', 'Acquire::Retries': '0',
  }).map(([name, value]) => `${name} "${value}";\n`).join(''))
  const settings = { APT_CONFIG: join(home, 'apt.conf') }
  const { proxy } = await serve(t, home, { version: 1, unmatched: 'deny', use: [{ preset: 'apt', private: true }] }, resolve('mirror.test', mirror.port), settings)
  const apt = (...args: string[]): ReturnType<typeof run> => run(['apt-get', '-q', ...args], { env: through(home, proxy, settings), cwd: join(home, 'out') })
  const updated = await apt('update')
  t.equal(updated.status, 0, updated.output)
  const got = await apt('download', 'tiny')
  t.equal(got.status, 0, got.output)
  t.strictSame(readdirSync(join(home, 'out')), [`tiny_1.0_${architecture}.deb`])

  writeFileSync(join(home, 'sources.list'), `deb [trusted=yes] http://other.test:${mirror.port}/linux stable main\n`)
  t.match((await apt('update')).output, /\b403\b/, 'a mirror that is named later is not opened')
})
