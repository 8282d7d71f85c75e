/** The attack corpus: every case, against the built program; and a proxy that believes what it is told, which must be found out. */
import t from 'tap'
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { runConformance, systemClock } from '../../lib/index.ts'
import { PROGRAM } from '../helpers/serve.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CASES = join(ROOT, 'lib/conformance/cases')
const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

t.test('every file of cases is one, and no id is there twice', async t => {
  const isValid = new Ajv2020({ strict: false }).compile(read(join(ROOT, 'schemas/conformance-case.schema.json')) as object)
  const ids = readdirSync(CASES).flatMap(name => {
    const file = read(join(CASES, name)) as { cases: { id: string }[] }
    t.ok(isValid(file), name, { errors: isValid.errors })
    return file.cases.map(({ id }) => id)
  })
  t.equal(new Set(ids).size, ids.length)
})

t.test('this firewall holds every line', { timeout: 200_000 }, async t => {
  const { code, out, err } = await new Promise<{ code: number, out: string, err: string }>(resolve => {
    execFile(process.execPath, [PROGRAM, 'conformance', '--json'], { maxBuffer: 2 ** 24 }, (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code ?? 1), out, err }))
  })
  if (err.includes('EACCES') && process.env['CI'] === undefined) return void t.pass('conformance', { skip: 'ports 80 and 443 may not be bound by this user' })
  const lines = out.trim().split('\n').map(line => JSON.parse(line) as { verdict?: string, problem?: string, cases?: number })
  // Elsewhere a machine may allow no sandbox; where it matters every case is tried.
  const isExcused = (problem = ''): boolean => process.env['CI'] === undefined && /^there is no sandbox here|^it cannot be made to ask a resolver/.test(problem)
  t.match(err, /the origins are on ports 80 and 443 of 127\.\d+\.\d+\.0\/24/, 'a net of its own')
  t.strictSame(lines.filter(({ verdict, problem }) => verdict !== undefined && verdict !== 'held' && !isExcused(problem)), [], err)
  t.ok((lines.at(-1)?.cases ?? 0) >= 1_000, 'all were run')
  t.equal(code, 0)
})

t.test('a proxy that sends every request where its Host says is found out, and one that ends is seen to', { timeout: 60_000 }, async t => {
  let isDead = false
  let endsAt = ''
  const addresses = new Map<string, string>()
  const server = createServer((request, response) => {
    if (isDead) return void request.socket.destroy()
    isDead = request.url?.includes(endsAt) ?? false
    const url = URL.canParse(request.url ?? '') ? new URL(request.url ?? '') : null
    const upstream = send({ host: addresses.get(url?.hostname ?? '') ?? '127.0.0.1', port: 80, path: url?.pathname ?? '/', headers: { host: 'x' } }, answer => { answer.pipe(response) })
    upstream.on('error', () => response.writeHead(502).end())
    upstream.end()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  const run = (only: string[]): ReturnType<typeof runConformance> => runConformance({
    subject: { kind: 'proxy', address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port } },
    only,
    clock: systemClock,
    onSetup: ({ lanes }) => {
      // What the first lane's address is in decimal.
      endsAt = String(lanes[0]!.address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0))
      for (const lane of lanes) for (const name of [lane.allowed, lane.denied, lane.inside]) addresses.set(name, lane.address)
    },
  })
  t.match(await run(['authority-forwarded-host']), [{ verdict: 'through', problem: /1 requests reached the origin/ }])
  t.match(await run(['address-decimal']), [{ verdict: 'hung' }])
})

t.test('a command is started for it, told where names lead, and ended', { timeout: 60_000 }, async t => {
  const dir = t.testdir({ 'proxy.mjs': `
    import { readFileSync } from 'node:fs'
    import { createServer, request } from 'node:http'
    const hosts = readFileSync(process.env.CONFORMANCE_HOSTS, 'utf8').split('\\n').map(line => line.split(' '))
    createServer((incoming, response) => {
      const name = incoming.headers.host
      const host = hosts.find(line => line.includes(name))?.[0]
      if (host === undefined) return void response.writeHead(403).end()
      const upstream = request({ host, port: 80, path: new URL(incoming.url).pathname }, answer => { answer.pipe(response) })
      upstream.on('error', () => response.destroy())
      upstream.end()
    }).listen(Number(process.env.CONFORMANCE_PORT), '127.0.0.1')
    console.log(process.pid)
  ` })
  const run = (command: string, only: string[]): ReturnType<typeof runConformance> => runConformance({ subject: { kind: 'command', command }, only, setupDir: join(dir, 'setup'), clock: systemClock })
  const found = await run(`echo $$ > ${dir}/pid; exec ${process.execPath} ${dir}/proxy.mjs`, ['authority-connect-host-field', 'authority-host-list', 'authority-fronting-host'])
  t.match(found.map(({ id, verdict }) => [id, verdict]), [['authority-connect-host-field', 'held'], ['authority-fronting-host', 'inapplicable'], ['authority-host-list', 'held']])
  t.match(found[1], { problem: /https:.*is not served/ }, 'it has no TLS, so nothing is said of cases that need it')
  const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'))
  const isGone = (): boolean => { try { return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ') } catch { return true } }
  while (!isGone()) await new Promise(setImmediate)
  t.match(read(join(dir, 'setup/setup.json')), { originCa: join(dir, 'setup/ca/ca.crt'), ports: [80, 443], net: /^127\./ })
  const { net } = read(join(dir, 'setup/setup.json')) as { net: string }
  await t.rejects(run('echo no such door >&2; exit 3', ['authority-host-list']), /did not listen on 127\.0\.0\.1:\d+: it ended with 3: no such door/)
  t.equal((read(join(dir, 'setup/setup.json')) as { net: string }).net, net, 'a folder that was there keeps its addresses')
})
