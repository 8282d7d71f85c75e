/**
 * The tools themselves, with settings made for the test: what they say they are set to is what a rule opens.
 * None of them is asked to fetch anything, and no host here exists.
 */
import t from 'tap'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createRegistries } from '../../lib/config/registries.ts'
import type { RegistryName } from '../../lib/config/registries.ts'
import { toolRunner } from '../../lib/config/registries/run.ts'
import type { Asked } from '../../lib/config/registries/run.ts'
import { needing, openFolder, wantingCargo } from '../helpers/clients.ts'

interface Teardown { teardown(call: () => unknown): void }

/** A home with these files, by path. */
function openHome(t: Teardown, files: Readonly<Record<string, string>> = {}): string {
  const home = openFolder(t)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(home, name)), { recursive: true })
    writeFileSync(join(home, name), text)
  }
  return home
}

/** A program in a folder of its own. @returns the folder */
function putProgram(t: Teardown, name: string, script: string): string {
  const folder = openHome(t, { [name]: `#!/bin/sh\n${script}\n` })
  chmodSync(join(folder, name), 0o755)
  return folder
}

const PATH = process.env['PATH'] ?? ''

async function ask(name: RegistryName, env: Readonly<Record<string, string>>): Promise<Asked> {
  const registries = createRegistries(toolRunner({ PATH, ...env }))
  await registries.ask([name])
  return registries.known(name)
}

t.test('npm', needing('npm', ['npm', '--version']), async t => {
  const rc = 'registry=https://registry.example.test/npm/\n@house:registry=http://scoped.example.test:4873/\n//registry.example.test/npm/:_authToken=s3cret\n'
  const home = openHome(t, { '.npmrc': rc, 'project/.npmrc': 'registry=https://project.example.test/\n', 'project/package.json': '{}' })
  const urls = ['https://registry.example.test/npm/', 'http://scoped.example.test:4873/']
  const known = await ask('npm', { HOME: home })
  t.strictSame(known.kind === 'urls' && [...known.urls].sort(), [...urls].sort(), 'the registry and that of a scope')
  t.match(await ask('npm', { HOME: home, NPM_CONFIG_REGISTRY: 'https://env.example.test/' }), { urls: /env\.example\.test/ }, 'the environment outranks the file')

  const before = process.cwd()
  process.chdir(join(home, 'project'))
  t.teardown(() => process.chdir(before))
  t.notMatch(await ask('npm', { HOME: home }), { urls: /project/ }, 'a file of the project says nothing')

  const secret = openHome(t, { '.npmrc': 'registry=https://ann:s3cret@registry.example.test/\n' })
  const kept = await ask('npm', { HOME: secret })
  t.match(kept, { kind: 'failed', problem: /password/ }, 'npm keeps a URL with a password to itself')
  t.notMatch(JSON.stringify(kept), 's3cret')
})

t.test('pip', needing('pip', ['python3', '-m', 'pip', '--version']), async t => {
  const home = openHome(t, { '.config/pip/pip.conf': '[global]\nindex-url = https://ann:s3cret@registry.example.test/simple/\nextra-index-url =\n  https://extra.example.test/simple/\n  https://more.example.test/simple/\n' })
  t.match(await ask('pip', { HOME: home }), { urls: ['https://ann:s3cret@registry.example.test/simple/', 'https://extra.example.test/simple/', 'https://more.example.test/simple/'] })
  t.match(await ask('pip', { HOME: home, PIP_INDEX_URL: 'https://env.example.test/simple/' }), { urls: ['https://env.example.test/simple/', 'https://extra.example.test/simple/', 'https://more.example.test/simple/'] })
  const plain = await ask('pip', { HOME: openHome(t), PIP_CONFIG_FILE: '/dev/null' })
  t.match(plain, { kind: 'urls', urls: [/^https:\/\/.+/] }, 'without settings it is the index that pip names in its help')
})

t.test('Go', needing('Go', ['go', 'version']), async t => {
  const home = openHome(t, { '.config/go/env': 'GOPROXY=https://registry.example.test/go|https://other.example.test,direct\nGOSUMDB=sums.example.test\n' })
  t.strictSame(await ask('go', { HOME: home }), { kind: 'urls', urls: ['https://registry.example.test/go', 'https://other.example.test'] })
  t.strictSame(await ask('go-sums', { HOME: home }), { kind: 'urls', urls: ['https://sums.example.test'] })
  t.strictSame(await ask('go-sums', { HOME: home, GOSUMDB: 'off' }), { kind: 'urls', urls: [] })
  t.match(await ask('go', { HOME: home, GOPROXY: 'off' }), { kind: 'failed' })
})

t.test('apt', needing('apt', ['apt-get', '--version']), async t => {
  const home = openHome(t, {
    'sources.list': 'deb http://mirror.example.test/linux stable main\ndeb-src https://src.example.test/linux stable main\n',
    'parts/more.sources': 'Types: deb\nURIs: https://more.example.test/apt\nSuites: stable\nComponents: main\n',
  })
  writeFileSync(join(home, 'apt.conf'), `Dir::Etc::sourcelist "${home}/sources.list";\nDir::Etc::sourceparts "${home}/parts";\n`)
  const known = await ask('apt', { HOME: home, APT_CONFIG: join(home, 'apt.conf') })
  t.strictSame(known.kind === 'urls' && [...known.urls].sort(), ['http://mirror.example.test/linux/', 'https://more.example.test/apt/', 'https://src.example.test/linux/'])
})

t.test('cargo', wantingCargo(), async t => {
  const home = openHome(t, { 'cargo/config.toml': '[source.crates-io]\nreplace-with = "mirror"\n[source.mirror]\nregistry = "sparse+https://crates.example.test/index/"\n[registries.house]\nindex = "https://house.example.test/index"\ntoken = "s3cret"\n' })
  // A shim that picks a toolchain looks for it in the home.
  const own = { HOME: process.env['HOME'] ?? '/', CARGO_HOME: join(home, 'cargo') }
  t.strictSame(await ask('cargo', own), { kind: 'urls', urls: ['https://crates.example.test/index/', 'https://house.example.test/index'] })
  t.match(await ask('cargo', { ...own, CARGO_HOME: openHome(t) }), { kind: 'failed', problem: /default/ })
})

t.test('conda, or what answers as it does', async t => {
  const folder = putProgram(t, 'conda', `[ "$*" = "info --json" ] && [ "$CONDA_OFFLINE" = true ] && echo '{"channels": ["https://conda.example.test/main/linux-64", "https://conda.example.test/main/noarch"]}'`)
  t.strictSame(await ask('conda', { PATH: `${folder}:/usr/bin:/bin` }), { kind: 'urls', urls: ['https://conda.example.test/main'] })
})

t.test('a tool is bounded, whatever it does', async t => {
  // [what it shows, script, what comes of it]
  const cases: [string, string, object][] = [
    ['it has no input', 'cat; echo end', { kind: 'said', text: 'end\n' }],
    ['it runs in the root folder', 'pwd', { kind: 'said', text: '/\n' }],
    ['what it says beside is no answer', 'echo aside >&2; echo yes', { kind: 'said', text: 'yes\n' }],
    ['an exit that is not 0', 'echo x; exit 3', { kind: 'failed', problem: 'ended with 3' }],
    ['a signal', 'kill -9 $$', { kind: 'failed', problem: 'ended with a signal' }],
    ['bytes that are no text', 'printf "\\377"', { kind: 'failed', problem: 'said something that is not UTF-8' }],
    ['output without end', 'while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done', { kind: 'failed', problem: /said more than/ }],
  ]
  for (const [shows, script, wanted] of cases) {
    const folder = putProgram(t, 'tool', script)
    t.match(await toolRunner({ PATH: `${folder}:/usr/bin:/bin` })(['tool']), wanted, shows)
  }
  t.match(await toolRunner({ PATH: '/usr/bin' })(['there-is-no-such-tool']), { kind: 'failed', problem: 'is not installed' })
})

t.test('one that never answers is ended with all that it started', async t => {
  const folder = openFolder(t)
  const path = putProgram(t, 'tool', `sh -c 'echo $$ > ${folder}/pid; exec sleep 600' & wait`)
  t.match(await toolRunner({ PATH: `${path}:/usr/bin:/bin` }, 1_000)(['tool']), { kind: 'failed', problem: 'gave no answer in 1 s' })
  t.ok(existsSync(join(folder, 'pid')), 'it had started something')
  const state = spawnSync('sh', ['-c', `ps -o stat= -p $(cat ${folder}/pid)`]).stdout.toString().trim()
  t.match(state, /^(?:Z.*)?$/, 'which runs no more')
})

t.test('one that leaves something behind which holds its output has answered all the same', async t => {
  const path = putProgram(t, 'tool', 'echo yes; sleep 600 &')
  t.match(await toolRunner({ PATH: `${path}:/usr/bin:/bin` }, 30_000)(['tool']), { kind: 'said', text: 'yes\n' })
})

t.test('the folders that npx puts into the path are not looked into', async t => {
  const project = openHome(t, { 'node_modules/.bin/npm': '#!/bin/sh\necho \'{"registry":"https://project.example.test/"}\'\n', 'bin/npm': '#!/bin/sh\necho \'{"registry":"https://machine.example.test/"}\'\n' })
  for (const program of ['node_modules/.bin/npm', 'bin/npm']) chmodSync(join(project, program), 0o755)
  const known = await ask('npm', { PATH: `${project}/node_modules/.bin:${project}/bin:/usr/bin:/bin` })
  t.strictSame(known, { kind: 'urls', urls: ['https://machine.example.test/'] })
})
