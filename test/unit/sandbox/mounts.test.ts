/** What a command sees of the file system, as a list. */
import t from 'tap'
import { isVisible, isWritable, layOut } from '../../../lib/sandbox/mounts.ts'
import type { Mount, Wanted } from '../../../lib/sandbox/mounts.ts'

const system: readonly Mount[] = [
  { kind: 'read-only', path: '/usr', source: '/usr' },
  { kind: 'read-only', path: '/etc', source: '/etc' },
  { kind: 'link', path: '/bin', target: 'usr/bin' },
]
const NOTHING = { ro: [], rw: [], hide: [], sockets: [], guarded: [] }
const laidOut = (wanted: Partial<Wanted>): readonly Mount[] => layOut({ system, home: '/home/ann', cwd: '/home/ann/project', ...NOTHING, ...wanted })
const kindAt = (mounts: readonly Mount[], path: string): string | undefined => mounts.find(mount => mount.path === path)?.kind

t.test('the system is read-only, the working directory writable, home and the folders for all are empty', async t => {
  const mounts = laidOut({})
  t.equal(kindAt(mounts, '/usr'), 'read-only')
  t.equal(kindAt(mounts, '/home/ann/project'), 'writable')
  for (const path of ['/home/ann', '/tmp', '/run', '/var/tmp']) t.equal(kindAt(mounts, path), 'empty', path)
  for (const path of ['/home/bob', '/var/lib/mysql/mysql.sock', '/srv', '/root/.ssh', '/home/ann/.ssh']) t.notOk(isVisible(mounts, path), path)
  t.ok(isVisible(mounts, '/bin/sh'), 'through a link of the system')
})

t.test('a place comes after the one that it lies in', async t => {
  const mounts = laidOut({ ro: ['/home/ann/project/a/b', '/home/ann/.cache'] })
  const paths = mounts.map(mount => mount.path)
  for (const [outer, inner] of [['/home/ann', '/home/ann/project'], ['/home/ann/project', '/home/ann/project/a/b'], ['/home/ann', '/home/ann/.cache']] as const) {
    t.ok(paths.indexOf(outer) < paths.indexOf(inner), `${outer} before ${inner}`)
  }
})

t.test('of two wishes for one place the stricter is granted', async t => {
  t.equal(kindAt(laidOut({ ro: ['/home/ann/project'] }), '/home/ann/project'), 'read-only', 'a working directory that is named read-only')
  t.equal(kindAt(laidOut({ rw: ['/data'], ro: ['/data'] }), '/data'), 'read-only')
  t.equal(kindAt(laidOut({ rw: ['/data'], hide: [{ path: '/data', isFolder: true }] }), '/data'), 'empty')
})

t.test('a working directory that is no project is not opened', async t => {
  for (const cwd of ['/', '/home', '/home/ann', '/tmp', '/run', '/etc', '/var']) {
    t.not(kindAt(laidOut({ cwd }), cwd), 'writable', cwd)
  }
  t.ok(isWritable(laidOut({ cwd: '/tmp/work' }), '/tmp/work/x'), 'a folder in /tmp is one')
})

t.test('a home that is named is opened, and what is hidden in it stays hidden', async t => {
  const mounts = laidOut({ rw: ['/home/ann'], hide: [{ path: '/home/ann/.local/state/sallyport/ca', isFolder: true }] })
  t.ok(isWritable(mounts, '/home/ann/.bashrc'))
  t.notOk(isVisible(mounts, '/home/ann/.local/state/sallyport/ca/ca.key'))
})

t.test('the folders around what may not be changed are places of their own, so that none can be moved aside', async t => {
  const mounts = laidOut({ guarded: ['/home/ann/project/conf/deep/policy.json'], hide: [{ path: '/home/ann/project/certs/ca', isFolder: true }] })
  t.equal(kindAt(mounts, '/home/ann/project/conf/deep/policy.json'), 'read-only')
  for (const path of ['/home/ann/project/conf', '/home/ann/project/conf/deep', '/home/ann/project/certs']) t.equal(kindAt(mounts, path), 'writable', path)
  t.notOk(isWritable(mounts, '/home/ann/project/conf/deep/policy.json'))
  t.notOk(isVisible(mounts, '/home/ann/project/certs/ca/ca.key'))
})

t.test('what cannot be written anyway needs no guard', async t => {
  t.equal(kindAt(laidOut({ guarded: ['/srv/policy.json', '/etc/policy.json'] }), '/etc/policy.json'), undefined)
})

t.test('a socket of the host is covered where it would be seen, unless it was named', async t => {
  const sockets = ['/home/ann/project/db.sock', '/run/docker.sock', '/etc/odd.sock']
  const mounts = laidOut({ sockets })
  t.equal(kindAt(mounts, '/home/ann/project/db.sock'), 'nothing')
  t.equal(kindAt(mounts, '/etc/odd.sock'), 'nothing')
  t.equal(kindAt(mounts, '/run/docker.sock'), undefined, 'not there at all')
  t.equal(kindAt(laidOut({ sockets, rw: ['/run/docker.sock'] }), '/run/docker.sock'), 'writable')
  t.equal(kindAt(laidOut({ sockets, rw: ['/run/docker.sock'], hide: [{ path: '/run/docker.sock', isFolder: false }] }), '/run/docker.sock'), 'nothing')
})
