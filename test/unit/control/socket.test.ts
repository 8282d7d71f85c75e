import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { listenPrivately, probe } from '../../../lib/control/socket.ts'
import { shortDir } from '../../helpers/fake-desk.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)

const listen = async (t: Tap, path: string): Promise<{ server: Server, path: string }> => {
  const server = createServer(socket => socket.destroy())
  t.teardown(() => server.close())
  return { server, path: await listenPrivately(server, path) }
}
type Tap = { teardown(call: () => void): unknown }

/** Leaves a socket behind as a process does that was killed. */
const leaveStale = async (path: string): Promise<void> => {
  const child = spawn(process.execPath, ['-e', 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))', path])
  await once(child, 'exit')
}

t.test('the socket is 0600 in a folder of 0700, whatever the umask is', async t => {
  const before = process.umask(0)
  t.teardown(() => process.umask(before))
  const dir = shortDir(t)
  const { path } = await listen(t, join(dir, 'made/too/s.sock'))
  t.equal(modeOf(path), '600')
  t.equal(modeOf(join(dir, 'made/too')), '700')
  t.equal(modeOf(join(dir, 'made')), '700')
  t.equal(process.umask(), 0, 'the umask is put back')
})

t.test('a folder in which others can write, or that is not ours, is refused', async t => {
  const dir = shortDir(t)
  const folder = join(dir, 'f')
  mkdirSync(folder)
  for (const [mode, problem] of [[0o777, /others may write/], [0o720, /others may write/], [0o702, /others may write/], [0o1777, /others may write/]] as const) {
    chmodSync(folder, mode)
    await t.rejects(listen(t, join(folder, 's.sock')), { code: 'E_CONTROL_FAILED', message: problem }, mode.toString(8))
  }
  chmodSync(folder, 0o755)
  await t.resolves(listen(t, join(folder, 's.sock')), 'others may look into it: the socket itself is closed to them')

  symlinkSync(folder, join(dir, 'link'))
  await t.rejects(listen(t, join(dir, 'link/t.sock')), { code: 'E_CONTROL_FAILED', message: /symbolic link/ }, 'a link may be pointed elsewhere')
  writeFileSync(join(dir, 'file'), '')
  await t.rejects(listen(t, join(dir, 'file/t.sock')), { code: 'E_CONTROL_FAILED' }, 'a file is no folder')
  t.test('of another user', { skip: process.getuid?.() === 0 ? false : 'only root can make such a folder' }, async t => {
    mkdirSync(join(dir, 'theirs'), { mode: 0o700 })
    chownSync(join(dir, 'theirs'), 12345, 12345)
    await t.rejects(listen(t, join(dir, 'theirs/s.sock')), { code: 'E_CONTROL_FAILED', message: /another user, uid 12345/ })
  })
})

t.test('what a dead firewall left is replaced, and nothing else is', async t => {
  const dir = shortDir(t)
  const path = join(dir, 's.sock')
  await leaveStale(path)
  t.ok(existsSync(path))
  t.equal(await probe(path), 'dead')
  const { server } = await listen(t, path)
  t.equal(await probe(path), 'answers')

  await t.rejects(listen(t, path), { code: 'E_CONTROL_FAILED', message: /a running firewall uses it/ })
  t.equal(await probe(path), 'answers', 'the one that runs is not disturbed')
  await new Promise(done => server.close(done))
  t.notOk(existsSync(path))
  t.equal(await probe(path), 'absent')

  const file = join(dir, 'precious.txt')
  writeFileSync(file, 'x')
  await t.rejects(listen(t, file), { code: 'E_CONTROL_FAILED', message: /no socket/ })
  t.ok(existsSync(file), 'a file is not taken for a socket')
})

t.test('a path that cannot name a socket is told plainly', async t => {
  const dir = shortDir(t)
  const most = process.platform === 'linux' ? 107 : 103
  const fitting = join(dir, 'x'.repeat(most - dir.length - 1))
  t.equal((await listen(t, fitting)).path, fitting, 'the longest path there is')
  await t.rejects(listen(t, `${fitting}y`), { code: 'E_CONTROL_FAILED', message: new RegExp(`has ${most + 1} bytes.*at most ${most}`) })
  t.equal(await probe(`${fitting}y`), 'absent', 'Node would dial the path without its last letter')
  await t.rejects(listen(t, ''), { code: 'E_CONTROL_FAILED', message: /not a path/ })
  await t.rejects(listen(t, '\0abstract'), { code: 'E_CONTROL_FAILED', message: /not a path/ }, 'an abstract socket has no mode')
})
