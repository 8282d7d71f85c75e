/** npm install from a registry of this test's own, a scoped package held until it was approved. */
import t from 'tap'
import { execFile, execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openHouse } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'

/** npm's own script beside this Node, run without anything that watches this process. */
const NPM = join(dirname(process.execPath), '../lib/node_modules/npm/bin/npm-cli.js')
const skip = !existsSync(NPM) && process.env['CI'] === undefined ? `${NPM} is not installed` : false

t.test('one package is allowed, a scoped one is held and goes on, a third is denied', { skip, timeout: 90_000 }, async t => {
  const dir = t.testdir({
    home: {}, project: { 'package.json': '{"name":"project","version":"1.0.0"}' },
    plain: { 'package.json': '{"name":"plain","version":"1.0.0"}', 'index.js': 'module.exports = 1\n' },
    scoped: { 'package.json': '{"name":"@scope/thing","version":"2.0.0"}', 'index.js': 'module.exports = 2\n' },
  })
  const tarballs = new Map([['plain', 'plain'], ['@scope/thing', 'scoped']].map(([name = '', folder = '']) => {
    execFileSync('tar', ['-czf', join(dir, `${folder}.tgz`), '-C', dir, '--transform', `s,^${folder},package,`, folder])
    return [name, readFileSync(join(dir, `${folder}.tgz`))]
  }))
  const origin = await startOrigin(t, { secure: true, answer(request, response) {
    const path = decodeURIComponent(request.url ?? '').slice(1)
    const name = path.replace(/\/-\/.*$/, '')
    const tarball = tarballs.get(name)
    if (tarball === undefined) return void response.writeHead(404).end()
    if (path !== name) return void response.end(tarball)
    const version = name === 'plain' ? '1.0.0' : '2.0.0'
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: {
      name, version, dist: { tarball: `https://registry.test:${origin.port}/${name}/-/x-${version}.tgz`, shasum: createHash('sha1').update(tarball).digest('hex') },
    } } }))
  } })
  const house = await openHouse(t, { version: 1, unmatched: 'deny', rules: [
    { id: 'plain', host: 'registry.test', port: origin.port, path: ['/plain', '/plain/**'], private: true },
    { id: 'scopes', action: 'hold', host: 'registry.test', path: ['/@scope%2Fthing', '/@scope/**'], private: true },
  ] })
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: join(dir, 'home'), npm_config_registry: `https://registry.test:${origin.port}/`, npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false', npm_config_fetch_retries: '0', ...house.firewall.env() }
  const install = (name: string): Promise<{ code: number, out: string }> => new Promise(resolve => {
    execFile(process.execPath, [NPM, 'install', name], { env, cwd: join(dir, 'project') }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : 1, out: stdout + stderr }))
  })

  t.match(await install('plain'), { code: 0 }, 'allowed')
  t.equal(readFileSync(join(dir, 'project/node_modules/plain/index.js'), 'utf8'), 'module.exports = 1\n')

  const held = install('@scope/thing')
  let isDone = false
  void held.then(() => { isDone = true })
  const [question] = await house.questions(1)
  t.match(question, { host: 'registry.test', method: 'GET' })
  // Metadata and tarball are two questions; both are answered as they come.
  while (!isDone) {
    for (const { id } of house.firewall.pending()) await house.firewall.answer(id, { verdict: 'approve', grant: 'once' })
    await new Promise(setImmediate)
  }
  t.match(await held, { code: 0 }, 'the same command finished')
  t.equal(readFileSync(join(dir, 'project/node_modules/@scope/thing/index.js'), 'utf8'), 'module.exports = 2\n')
  t.match(await install('other'), { code: 1, out: /403/ }, 'denied')
})
