/** docs/hooks.md is run: an example that does not work is worse than none. */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { commandDoor } from '../../../lib/approve/command.ts'
import { functionDoor } from '../../../lib/approve/function.ts'
import { serveControl } from '../../../lib/control/server.ts'
import { fakeClock } from '../../helpers/fake-clock.ts'
import { fakeDesk, parseVerdict } from '../../helpers/fake-desk.ts'
import { sampleHeld } from '../../helpers/sample-held.ts'

const page = readFileSync(new URL('../../../docs/hooks.md', import.meta.url), 'utf8')
const dir = mkdtempSync(join(tmpdir(), 'sp-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))
const context = { signal: new AbortController().signal }

/** The block of the page that begins with `start`. */
const block = (start: string): string => {
  const found = page.split('```').find(part => part.slice(part.indexOf('\n') + 1).startsWith(start))
  if (found === undefined) throw new Error(`docs/hooks.md has no block that begins with ${start}`)
  return found.slice(found.indexOf('\n') + 1)
}

t.test('the function in the page approves reading, and passes on what looks odd', async t => {
  writeFileSync(join(dir, 'approve.mjs'), block('// approve.mjs'))
  const { approve } = await import(pathToFileURL(join(dir, 'approve.mjs')).href)
  const door = functionDoor(approve)
  const rule = { host: 'api.example.test', access: 'read-only' } as const
  const reading = sampleHeld({ method: 'GET', risks: [], suggestions: [{ shape: 'read-only', says: 'reading here', rule }] })
  t.match(await door.ask(reading, context), { verdict: 'approve', grant: { rule, ttlMs: 3_600_000 } })
  t.strictSame(await door.ask(sampleHeld(), context), { verdict: 'pass' })
})

t.test('the command in the page denies an upload to a paste site, and has no opinion about the rest', async t => {
  writeFileSync(join(dir, 'on-hold.mjs'), block('// on-hold.mjs'))
  const door = commandDoor(`'${process.execPath}' '${join(dir, 'on-hold.mjs')}'`)
  t.match(await door.ask(sampleHeld({ host: 'www.pastebox.test' }), context), { verdict: 'deny', reason: /paste/ })
  t.strictSame(await door.ask(sampleHeld(), context), { verdict: 'pass' })
})

const hasCurl = await new Promise<boolean>(done => execFile('curl', ['--version'], error => done(error === null)))

t.test('the calls in the page see the question and answer it', { skip: hasCurl ? false : 'curl is not installed' }, async t => {
  const desk = fakeDesk([sampleHeld()])
  const server = await serveControl({ path: join(dir, 's.sock'), desk, clock: fakeClock(), parseAnswer: parseVerdict })
  t.teardown(() => server.close())
  const script = block('curl')
  const output = await new Promise<string>((done, fail) => {
    execFile('/bin/sh', ['-c', script], { env: { ...process.env, SALLYPORT_CONTROL: server.path } }, (error, stdout) => error === null ? done(stdout) : fail(error))
  })
  t.match(output, /event: asked\ndata: .*"id":"q1"/)
  t.match(output, '"kind":"accepted"')
  t.strictSame(desk.answers.map(({ id, answer }) => [id, answer.verdict]), [['q1', 'approve']])
})
