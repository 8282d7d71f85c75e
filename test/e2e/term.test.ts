/** `sallyport term` in a real terminal, beside a real firewall with real clients. */
import t from 'tap'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { picture, steady } from '../../docs/generate-screen.ts'
import { certificateFor } from '../helpers/certificates.ts'
import { bareEnvironment, openFolder, run } from '../helpers/clients.ts'
import type { Ran } from '../helpers/clients.ts'
import { startOrigin } from '../helpers/origin.ts'
import { PROGRAM, serve } from '../helpers/serve.ts'
import { openTerminal } from '../helpers/tmux.ts'
import { openWire } from '../helpers/wire.ts'

const PICTURE = new URL('../../docs/term.svg', import.meta.url)
const TITLE = 'A terminal runs sallyport term: three questions wait, one of them for eight requests; below, all about the first of them and the rules that would let it pass.'
const COLUMNS = 104
const HOSTS = ['api.models.example', 'api.tracker.example', 'files.cdn.example'] as const

t.test('an operator sees what waits, answers it, and gets the terminal back', { timeout: 120_000 }, async t => {
  const origin = await startOrigin(t, { secure: true, certificate: certificateFor(...HOSTS) })
  const home = openFolder(t)
  const served = await serve(t, home, { version: 1, name: 'news-digest', rules: [{ id: 'read-models', host: 'api.models.example', access: 'read-only', port: origin.port, private: true }, { id: 'ask', action: 'hold', host: HOSTS, port: origin.port, private: true, note: 'new to this task' }] },
    ['--upstream-ca', certificateFor(...HOSTS).file, ...HOSTS.flatMap(host => ['--resolve', `${host}:${origin.port}:127.0.0.1`])])
  const env = { ...bareEnvironment(home), XDG_RUNTIME_DIR: join(home, 'run') }
  const curl = (url: string, ...args: string[]): Promise<Ran> => run(['curl', '-sS', '--http1.1', '-x', served.proxy, '--cacert', served.ca, ...args, url.replace('.example/', `.example:${origin.port}/`)], { env })
  const before = join(home, 'before')
  const after = join(home, 'after')
  const terminal = openTerminal(t, `stty -g > ${before}; ${process.execPath} ${PROGRAM} term --by ann; echo "ended with $?"; stty -g > ${after}; exec sleep 1000`, { name: `sallyport-${process.pid}`, env, columns: COLUMNS, rows: 32 })
  await terminal.until(/Nothing waits for you/)

  const asked = curl('https://api.models.example/v1/chat/completions', '-A', 'digest/1.4', '-H', 'Content-Type: application/json', '-d', JSON.stringify({ model: 'small', messages: [{ role: 'user', content: 'Summarise these issues.' }] }))
  await terminal.until(/▸ POST/)
  const first = curl('https://api.tracker.example/repos/acme/web/issues/1', '-A', 'digest/1.4')
  await terminal.until(/issues\/1/)
  const items = curl('https://api.tracker.example/repos/acme/web/issues/[2-8]', '-Z', '-A', 'digest/1.4')
  await terminal.until(/×8/)
  const file = curl('https://files.cdn.example/dist/tool-2.1.tar.gz')
  await terminal.until(/files\.cdn\.example/)
  // What is said goes, and the keys are there.
  terminal.keys('Escape')
  const seen = await terminal.until(/ a approve/)

  await t.test('the question under the cursor stands there with all that is known of it', async t => {
    for (const fact of ['POST https api.models.example:', '“/v1/chat/completions”', '1 request for', 'the client gives up in 3:', 'application/json', '“digest/1.4”', 'read-models', '▸ 1  POST https://api.models.example', '"path":"/v1/chat/completions"']) t.ok(seen.includes(fact), fact, { seen })
  })

  await t.test('the picture in the documentation is what is on the screen', async t => {
    const drawn = picture(steady(terminal.screen({ withColours: true })), { columns: COLUMNS, title: TITLE })
    if (process.env['WRITE_DOCS'] === '1') writeFileSync(PICTURE, drawn)
    t.equal(readFileSync(PICTURE, 'utf8'), drawn, 'docs/term.svg is up to date; run this test with WRITE_DOCS=1 to make it so')
  })

  await t.test('a flood moves neither the question under the cursor nor what is shown of it', async t => {
    const wires = await Promise.all(Array.from({ length: 40 }, async (_, n) => {
      const wire = await openWire(Number(new URL(served.proxy).port))
      wire.write(`GET http://h${n}.flood.example:${origin.port}/ HTTP/1.1\r\nHost: h${n}.flood.example:${origin.port}\r\nConnection: close\r\n\r\n`)
      return wire
    }))
    t.teardown(() => { for (const wire of wires) wire.close() })
    const flooded = await terminal.until(/Pending 43/)
    const place = (screen: string, text: string): number => screen.split('\n').findIndex(line => line.includes(text))
    for (const text of ['▸ POST', 'POST https api.models', '▸ 1  POST']) t.equal(place(flooded, text), place(seen, text), text)
  })

  await t.test('a approves it, and the request finishes; o is for one request alone', async t => {
    await terminal.press('a', /Approved until the firewall stops: 1 request goes on/)
    const ran = await asked
    t.equal(ran.status, 0, ran.output)
    t.equal(ran.stdout, 'ok\n')
  })

  await t.test('R rejects a whole group with a reason that the client reads', async t => {
    await terminal.until(/▸ GET +api\.tracker/)
    await terminal.press('R', /reason:/)
    terminal.keys('-l', 'use the mirror')
    await terminal.until(/reason: use the mirror/)
    terminal.keys('Enter')
    await terminal.until(/Rejected, “use the mirror”: 8 requests are told/)
    t.match((await first).stdout, 'use the mirror')
    t.equal((await items).stdout.match(/use the mirror/g)?.length, 7)
  })

  await t.test('a narrow window shows the same, and so does it when it is wide again', async t => {
    await terminal.until(/▸ GET +files\.cdn/)
    terminal.keys('Escape')
    terminal.resize(46, 18)
    const narrow = await terminal.until(/^▸ GET +files\.cdn[^]*▸ 1[^]*\? help$/m)
    t.equal(narrow.match(/▸ GET/g)?.length, 1, 'nothing of the wide screen is left')
    terminal.resize(140, 36)
    const wide = await terminal.until(/│ {2}GET https files\.cdn/)
    t.equal(wide.match(/▸ GET/g)?.length, 1)
    await terminal.press('o', /Approved once/)
    t.equal((await file).stdout, 'ok\n')
  })

  await t.test('grants, rules, traffic and the audit log are each a Tab away', async t => {
    terminal.keys('Tab')
    await terminal.until(/▸ session +POST api\.models\.example/)
    await terminal.press('u', /Taken back/)
    await terminal.until(/No grant is open/)
    terminal.keys('Tab')
    await terminal.until(/allow +read-models[^]*hold +ask/)
    terminal.keys('Tab')
    await terminal.until(/the last/)
    terminal.keys('/')
    await terminal.until(/filter:/)
    terminal.keys('-l', 'api.models')
    terminal.keys('Enter')
    await terminal.until(/allow +POST +api\.models\.example/)
    terminal.keys('Tab')
    await terminal.until(/records/)
    terminal.keys('/')
    await terminal.until(/search:/)
    terminal.keys('-l', 'host:api.tracker.example action:deny')
    terminal.keys('Enter')
    t.match(await terminal.until(/8 records/), /deny +GET +api\.tracker\.example/)
  })

  await t.test('q gives the terminal back as it was', async t => {
    t.equal(terminal.ask('alternate_on'), '1')
    terminal.keys('q')
    await terminal.until(/^ended with 0$/m)
    t.equal(terminal.ask('alternate_on'), '0')
    t.equal(terminal.ask('cursor_flag'), '1')
    await terminal.until(/ended/)
    t.ok(existsSync(after))
    t.equal(readFileSync(after, 'utf8'), readFileSync(before, 'utf8'))
  })
})

t.test('without a firewall it waits for one, without colour where NO_COLOR is set, and a signal ends it as q does', { timeout: 60_000 }, async t => {
  const home = openFolder(t)
  mkdirSync(join(home, 'run'), { mode: 0o700 })
  const env = { ...bareEnvironment(home), XDG_RUNTIME_DIR: join(home, 'run'), NO_COLOR: '1' }
  const terminal = openTerminal(t, `${process.execPath} ${PROGRAM} term; echo "ended with $?"; exec sleep 1000`, { name: `sallyport-${process.pid}-bare`, env, columns: 80, rows: 24 })
  await terminal.until(/No firewall answers/)
  t.notMatch(terminal.screen({ withColours: true }), /\x1b\[(?:\d+;)*3[0-7]m/)
  const [child] = (await run(['pgrep', '-P', terminal.ask('pane_pid')], { env })).stdout.trim().split('\n')
  process.kill(Number(child), 'SIGTERM')
  await terminal.until(/^ended with 0$/m)
  t.equal(terminal.ask('alternate_on'), '0')
  t.equal(terminal.ask('cursor_flag'), '1')
})
