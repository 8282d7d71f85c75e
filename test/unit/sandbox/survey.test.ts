/** What is found on a machine. */
import t from 'tap'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { endOfLinks, programsNamed, socketsIn, surveySockets, surveySystem } from '../../../lib/sandbox/survey.ts'

function folder(t: { teardown(call: () => void): void }): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'sallyport-survey-')))
  t.teardown(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

t.test('sockets are found in the kernel\'s list and in folders, and what is none is not', async t => {
  const dir = folder(t)
  mkdirSync(join(dir, 'deep/er'), { recursive: true })
  const path = join(dir, 'deep/er/s.sock')
  const server = createServer()
  server.listen(path)
  await once(server, 'listening')
  t.teardown(() => server.close())
  writeFileSync(join(dir, 'file'), '')
  t.ok(surveySockets().includes(path))
  t.strictSame(socketsIn([dir]), [path])
  t.strictSame(socketsIn([join(dir, 'file'), join(dir, 'none')]), [])
  t.strictSame(socketsIn([dir], 2), [], 'a search has an end')
  const list = (path: string): readonly string[] => surveySockets(`Num RefCount Protocol Flags Type St Inode Path\n0000: 00000002 00000000 00010000 0001 01 1234 ${path}\n`)
  t.strictSame([list(path), list('@abstract'), list('relative.sock'), list(join(dir, 'file')), list(join(dir, 'gone'))], [[path], [], [], [], []])
})

t.test('the end of links is found although it does not exist', async t => {
  const dir = folder(t)
  mkdirSync(join(dir, 'etc'))
  symlinkSync('../run/resolv.conf', join(dir, 'etc/resolv.conf'))
  symlinkSync('loop', join(dir, 'loop'))
  t.equal(endOfLinks(join(dir, 'etc/resolv.conf')), join(dir, 'run/resolv.conf'))
  t.equal(endOfLinks(join(dir, 'etc')), join(dir, 'etc'))
  t.type(endOfLinks(join(dir, 'loop')), 'string', 'and a loop ends')
})

t.test('a program is found as a shell would find it', async t => {
  const dir = folder(t)
  writeFileSync(join(dir, 'tool'), '#!/bin/sh\n', { mode: 0o755 })
  writeFileSync(join(dir, 'text'), '')
  chmodSync(join(dir, 'text'), 0o644)
  mkdirSync(join(dir, 'folder'))
  t.strictSame(programsNamed('tool', { PATH: `/nowhere:${dir}` }, '/'), [join(dir, 'tool')])
  t.strictSame(programsNamed('./tool', {}, dir), [join(dir, 'tool')])
  t.strictSame(programsNamed('folder', { PATH: dir }, '/'), [], 'a folder is none')
  t.strictSame(programsNamed('text', { PATH: dir }, '/').length, 0, 'nor is what may not be run')
})

t.test('of the system nothing is writable, and nothing of it is a home', async t => {
  const mounts = surveySystem()
  t.ok(mounts.some(({ path }) => path === '/usr'))
  for (const { kind, path } of mounts) {
    t.not(kind, 'writable', path)
    t.notMatch(path, /^\/(?:home|root|var\/(?:run|spool))/)
  }
  t.match(mounts.find(({ path }) => path === '/proc/sys'), { kind: 'read-only' })
})
