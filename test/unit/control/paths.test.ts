import { createServer } from 'node:net'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { defaultControlPath, defaultStateDir, findControl } from '../../../lib/control/paths.ts'
import { shortDir } from '../../helpers/fake-desk.ts'

const uid = process.getuid?.()

t.test('the control socket lies in the runtime folder, or in a folder of this user in /tmp', async t => {
  // [what it shows, XDG_RUNTIME_DIR, path]
  const rows: [string, string | undefined, string][] = [
    ['the runtime folder is used', '/run/user/7', '/run/user/7/sallyport/42.sock'],
    ['without one, the folder carries our uid', undefined, `/tmp/sallyport-${uid}/42.sock`],
    ['an empty one is none', '', `/tmp/sallyport-${uid}/42.sock`],
    ['a relative one is ignored, as XDG has it', 'run', `/tmp/sallyport-${uid}/42.sock`],
  ]
  for (const [shows, runtime, path] of rows) t.equal(defaultControlPath({ XDG_RUNTIME_DIR: runtime }, 42), path, shows)
})

t.test('a firewall may have a name, but the name is no path', async t => {
  t.equal(defaultControlPath({ XDG_RUNTIME_DIR: '/r' }, 'agent-1'), '/r/sallyport/agent-1.sock')
  for (const name of ['../x', 'a/b', '', '.', '..', '.hidden', 'a\0b', 'a b', 'x'.repeat(65)]) {
    t.throws(() => defaultControlPath({ XDG_RUNTIME_DIR: '/r' }, name), { code: 'E_CONTROL_FAILED' }, JSON.stringify(name))
  }
})

t.test('state lies in the state folder, or under the home folder', async t => {
  t.equal(defaultStateDir({ XDG_STATE_HOME: '/s', HOME: '/h' }), '/s/sallyport')
  t.equal(defaultStateDir({ HOME: '/h' }), '/h/.local/state/sallyport')
  t.equal(defaultStateDir({ XDG_STATE_HOME: 's', HOME: '/h' }), '/h/.local/state/sallyport', 'a relative one is ignored')
  t.equal(defaultStateDir({}), join(homedir(), '.local/state/sallyport'), 'no HOME: the one in the user database')
})

t.test('the one firewall that runs is found', async t => {
  const runtime = shortDir(t)
  const env = { XDG_RUNTIME_DIR: runtime }
  const folder = join(runtime, 'sallyport')
  const serve = (name: string) => new Promise<void>(done => {
    const server = createServer(socket => socket.destroy())
    t.teardown(() => server.close())
    server.listen(join(folder, name), () => done())
  })

  await t.rejects(findControl(env), { code: 'E_CONTROL_UNREACHABLE', message: /no firewall is running/ }, 'no folder yet')
  mkdirSync(folder, { mode: 0o700 })
  await t.rejects(findControl(env), { code: 'E_CONTROL_UNREACHABLE', message: /no firewall is running/ }, 'an empty folder')
  writeFileSync(join(folder, 'dead.sock'), '')
  writeFileSync(join(folder, `${'long'.repeat(40)}.sock`), '')
  await serve('1.sock')
  t.equal(await findControl(env), join(folder, '1.sock'), 'a dead one and a name too long for a socket do not count')
  await serve('2.sock')
  await t.rejects(findControl(env), { code: 'E_OPTION_INVALID', message: /2 firewalls are running: .*1\.sock, .*2\.sock/, fix: /--control PATH/ }, 'two: the person has to say which')
})

t.test('sockets in a folder that others can write to are not trusted', async t => {
  const runtime = shortDir(t)
  mkdirSync(join(runtime, 'sallyport'))
  chmodSync(join(runtime, 'sallyport'), 0o777)
  await t.rejects(findControl({ XDG_RUNTIME_DIR: runtime }), { code: 'E_CONTROL_UNREACHABLE', message: /others may write/ })

  const linked = shortDir(t)
  symlinkSync(runtime, join(linked, 'sallyport'))
  await t.rejects(findControl({ XDG_RUNTIME_DIR: linked }), { code: 'E_CONTROL_UNREACHABLE', message: /symbolic link/ })
})
