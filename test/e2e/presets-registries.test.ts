/**
 * Presets of package registries: a policy that names no host, on a machine whose tools are set to mirrors. The same
 * settings tell the firewall what to open and the client where to go.
 */
import t from 'tap'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { certificateFor } from '../helpers/certificates.ts'
import { approveOnce, bareEnvironment, clientEnvironment, needing, openFolder, run } from '../helpers/clients.ts'
import type { Env, Ran } from '../helpers/clients.ts'
import { openHouse } from '../helpers/house.ts'
import { packPackages, startRegistry } from '../helpers/npm-registry.ts'
import { startOrigin } from '../helpers/origin.ts'
import { startPythonIndex } from '../helpers/python-index.ts'
import { PROGRAM, serve } from '../helpers/serve.ts'

const through = (home: string, proxy: string): Env => ({ ...bareEnvironment(home), http_proxy: proxy, https_proxy: proxy })
const resolve = (name: string, port: number): readonly string[] => ['--resolve', `${name}:${port}:127.0.0.1`]

t.test('npm: the registry and that of a scope are those that npm is set to', { ...needing('npm', ['npm', '--version']), timeout: 90_000 }, async t => {
  const packages = await packPackages(t)
  const [scoped, plain] = await Promise.all(packages.map(each => startRegistry(t, 'http', [each])))
  const home = openFolder(t)
  writeFileSync(join(home, '.npmrc'), `registry=http://npm.test:${plain!.port}/\n@house:registry=http://scope.test:${scoped!.port}/\naudit=false\nfund=false\nupdate-notifier=false\n`)
  const { proxy } = await serve(t, home, { version: 1, unmatched: 'deny', use: [{ preset: 'npm', private: true }] }, [...resolve('npm.test', plain!.port), ...resolve('scope.test', scoped!.port)])

  const project = join(home, 'project')
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{}')
  const npm = (...args: string[]): Promise<Ran> => run(['npm', ...args], { env: through(home, proxy), cwd: project })
  const installed = await npm('install', 'plain')
  t.equal(installed.status, 0, installed.output)
  for (const name of ['plain', '@house/scoped']) t.ok(existsSync(join(project, 'node_modules', name, 'index.js')), name)
  t.ok(plain!.requests.length > 0 && scoped!.requests.every(({ url }) => url.startsWith('/@house')), 'each registry was asked for its own')

  // What a project's file says is the client's affair: it goes there, and the firewall does not let it.
  writeFileSync(join(project, '.npmrc'), `registry=http://other.test:${plain!.port}/\n`)
  const elsewhere = await npm('install', 'plain', '--prefer-online', '--force', '--cache', join(home, 'cache'))
  t.not(elsewhere.status, 0)
  t.match(elsewhere.output, /\b403\b/)
})

t.test('npm: publishing asks', needing('npm', ['npm', '--version']), async t => {
  const registry = await startOrigin(t, { answer: (request, response) => { response.writeHead(request.method === 'PUT' ? 201 : 404, { 'Content-Type': 'application/json' }).end('{}') } })
  const url = `http://npm.test:${registry.port}/`
  const house = await openHouse(t, { version: 1, unmatched: 'deny', use: [{ preset: 'npm', registry: url, private: true }] })
  const home = openFolder(t)
  writeFileSync(join(home, '.npmrc'), `registry=${url}\n//npm.test:${registry.port}/:_authToken=x\nupdate-notifier=false\n`)
  writeFileSync(join(home, 'package.json'), '{"name":"@house/out","version":"1.0.0"}')
  const { ran, asked } = await approveOnce(house, run(['npm', 'publish', '--provenance=false'], { env: clientEnvironment(house.firewall, home), cwd: home }))
  t.equal(ran.status, 0, ran.output)
  t.strictSame(asked, ['PUT /@house%2fout'])
})

const PIP = ['/usr/bin/python3', '-m', 'pip'] as const

t.test('pip: the index is the one that pip is set to, and the files are where the policy says', { ...needing('pip', [...PIP, '--version']), timeout: 90_000 }, async t => {
  const { index, files } = await startPythonIndex(t, 'files.test')
  const download = async (use: object): Promise<Ran & { readonly got: readonly string[] }> => {
    const home = openFolder(t)
    mkdirSync(join(home, '.config/pip'), { recursive: true })
    mkdirSync(join(home, 'out'))
    writeFileSync(join(home, '.config/pip/pip.conf'), `[global]\nindex-url = http://index.test:${index.port}/simple/\nextra-index-url =\ntrusted-host =\n  index.test\n  files.test\n`)
    const { proxy } = await serve(t, home, { version: 1, unmatched: 'deny', use: [{ preset: 'pypi', private: true, ...use }] }, [...resolve('index.test', index.port), ...resolve('files.test', files.port)])
    const ran = await run([...PIP, 'download', 'tiny', '--no-deps', '--no-cache-dir', '--disable-pip-version-check', '-d', 'out'], { env: through(home, proxy), cwd: home })
    return { ...ran, got: readdirSync(join(home, 'out')) }
  }
  const whole = await download({ files: `http://files.test:${files.port}/packages/` })
  t.equal(whole.status, 0, whole.output)
  t.strictSame(whole.got, ['tiny-1.0-py3-none-any.whl'])

  const asked = files.connections
  const half = await download({})
  t.not(half.status, 0)
  t.match(half.output, /\b403\b/, 'no host of files is guessed')
  t.equal(files.connections, asked)
})

t.test('docker: the steps of a pull and of a push, by curl', needing('curl', ['curl', '--version']), async t => {
  const layer = 'the bytes of a layer'
  const digest = `sha256:${createHash('sha256').update(layer).digest('hex')}`
  const certificate = certificateFor('registry.test', 'auth.test', 'layers.test')
  const registry = await startOrigin(t, {
    secure: true, certificate,
    answer: (request, response) => {
      const port = request.socket.localPort
      const host = request.headers.host?.split(':')[0]
      const answers: Readonly<Record<string, () => void>> = {
        'registry.test GET /v2/': () => { response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="https://auth.test:${port}/token",service="registry.test"` }).end('{}') },
        'auth.test GET /token?service=registry.test': () => { response.end('{"token":"t"}') },
        'registry.test GET /v2/team/app/manifests/latest': () => { response.end(JSON.stringify({ layers: [{ digest }] })) },
        [`registry.test GET /v2/team/app/blobs/${digest}`]: () => { response.writeHead(307, { Location: `https://layers.test:${port}/data/${digest}?signature=x` }).end() },
        [`layers.test GET /data/${digest}?signature=x`]: () => { response.end(layer) },
        'registry.test POST /v2/team/app/blobs/uploads/': () => { response.writeHead(202, { Location: '/v2/team/app/blobs/uploads/1' }).end() },
        [`registry.test PUT /v2/team/app/blobs/uploads/1?digest=${digest}`]: () => { response.writeHead(201).end() },
      }
      const answer = answers[`${host} ${request.method} ${request.url}`]
      if (answer === undefined) response.writeHead(404).end()
      else answer()
    },
  })
  const at = (name: string, path: string): string => `https://${name}.test:${registry.port}${path}`
  const use = [{ preset: 'docker', registry: at('registry', ''), auth: at('auth', '/token'), files: at('layers', '/data'), image: 'team/app', private: true }]
  const house = await openHouse(t, { version: 1, unmatched: 'deny', use }, { upstreamCa: [certificate.file] })
  const home = openFolder(t)
  const curl = (...args: string[]): Promise<Ran> => run(['curl', '-sS', '-w', '\n%{http_code}', ...args], { env: clientEnvironment(house.firewall, home), cwd: home })

  t.match(await curl(at('registry', '/v2/')), { stdout: /401$/ }, 'the registry\'s own answer')
  t.match(await curl(at('auth', '/token?service=registry.test')), { stdout: '{"token":"t"}\n200' })
  t.match(await curl(at('registry', '/v2/team/app/manifests/latest')), { stdout: /layers.*\n200$/ })
  t.match(await curl('-L', at('registry', `/v2/team/app/blobs/${digest}`)), { stdout: `${layer}\n200` })
  t.match(await curl(at('registry', '/v2/other/app/manifests/latest')), { stdout: /policy_denied[^]*\n403$/ }, 'another image')
  t.match(await curl(at('registry', '/v2/_catalog')), { stdout: /\n403$/ })
  t.match(await curl(at('layers', '/other/x')), { stdout: /\n403$/ })

  const first = await approveOnce(house, curl('-X', 'POST', at('registry', '/v2/team/app/blobs/uploads/')))
  t.match(first, { ran: { stdout: /202$/ }, asked: ['POST /v2/team/app/blobs/uploads/'] })
  const second = await approveOnce(house, curl('-T', '-', '-X', 'PUT', at('registry', `/v2/team/app/blobs/uploads/1?digest=${digest}`)))
  t.match(second, { ran: { stdout: /201$/ } })
  t.equal(second.asked.length, 1)
})

t.test('where the tool is not there the program says which parameter to write, and does not start', async t => {
  const home = openFolder(t)
  await t.rejects(serve(t, home, { version: 1, use: ['conda'] }, [], { PATH: '/nowhere' }), /ended with 2: [^]*conda is not installed[^]*"channel": "https:/)
})

t.test('presets: the program lists them, and shows one with what this machine is set to', needing('npm', ['npm', '--version']), async t => {
  const home = openFolder(t)
  writeFileSync(join(home, '.npmrc'), 'registry=https://npm.example.test/team/\n')
  const presets = (...args: string[]): Promise<Ran> => run([process.execPath, PROGRAM, 'presets', ...args], { env: bareEnvironment(home), cwd: home })
  const listed = await presets('list')
  t.equal(listed.status, 0)
  t.match(listed.stdout, /^anthropic +The Claude API/)
  const { presets: all } = JSON.parse((await presets('list', '--json')).stdout) as { presets: { name: string }[] }
  t.equal(listed.stdout.trim().split('\n').length, all.length)
  t.match((await presets('show', 'npm')).stdout, /here registry is https:\/\/npm\.example\.test\/team\n[^]*npm\.publish +\{publish\}[^]*"use": \[\{"preset":"npm"/)
  t.match(JSON.parse((await presets('show', 'npm', '--json')).stdout), { name: 'npm', parameters: { registry: { kind: 'url' } }, here: { registry: { urls: ['https://npm.example.test/team'] } } })
  t.match((await presets('show', 'jira')).stdout, /text \(required\)[^]*"use": \[\{"preset":"jira","site":"acme"\}\]/)
  t.match(await presets('show', 'githb'), { status: 2, output: /There are anthropic,/ })
  writeFileSync(join(home, 'policy.json'), '{"version":1,"use":["npm"]}')
  const check = (...args: string[]): Promise<Ran> => run([process.execPath, PROGRAM, 'check', 'policy.json', ...args], { env: bareEnvironment(home), cwd: home })
  t.match(await check(), { status: 0, stdout: /npm takes "registry" from this machine: https:\/\/npm\.example\.test\/team\n/ })
  t.match(JSON.parse((await check('--json')).stdout), { files: [{ taken: [{ preset: 'npm', urls: ['https://npm.example.test/team'] }] }] })
  t.match(await presets('--help'), { status: 0, output: /sallyport presets show npm/ })
})
