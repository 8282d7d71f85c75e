/** The command line of bwrap, as text. */
import t from 'tap'
import { bwrapArguments, program } from '../../../lib/sandbox/command.ts'
import type { CommandLine } from '../../../lib/sandbox/command.ts'

const line: CommandLine = {
  uid: 1000, gid: 100,
  mounts: [
    { kind: 'link', path: '/bin', target: 'usr/bin' },
    { kind: 'read-only', path: '/usr', source: '/usr' },
    { kind: 'empty', path: '/tmp', mode: 0o1777 },
    { kind: 'empty', path: '/home/ann', mode: 0o700 },
    { kind: 'writable', path: '/home/ann/project', source: '/home/ann/project' },
    { kind: 'nothing', path: '/home/ann/project/s.sock' },
    { kind: 'device', path: '/dev/nvidia0', source: '/dev/nvidia0' },
  ],
  files: [{ path: '/etc/resolv.conf', data: 'nameserver 198.18.0.1\n' }, { path: '/etc/hosts', data: '' }],
  shown: [{ path: '/run/sallyport/ca.crt', source: '/state/ca.crt' }],
  cwd: '/home/ann/project',
  hasTerminal: false,
  hasOwnNetwork: false,
  command: ['git', 'clone', '--depth', '1'],
}
const spelled = (changes: Partial<CommandLine> = {}): string => bwrapArguments({ ...line, ...changes }).join(' ')

t.test('no capability, namespaces of its own, and it dies with the helper', async t => {
  for (const option of ['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--cap-drop ALL', '--die-with-parent', '--uid 1000 --gid 100', '--seccomp 4', '--proc /proc', '--dev /dev']) {
    t.match(spelled(), option)
  }
  t.notMatch(spelled(), '--unshare-net', 'the network is the helper\'s, which is closed already')
  t.match(spelled({ hasOwnNetwork: true }), '--unshare-net', 'unless nobody could close that')
  t.notMatch(spelled(), '--share-net')
})

t.test('without a terminal it has a session of its own, with one it stays in the operator\'s', async t => {
  t.match(spelled(), '--new-session')
  t.notMatch(spelled({ hasTerminal: true }), '--new-session')
})

t.test('every kind of place is spelled', async t => {
  for (const option of [
    '--symlink usr/bin /bin', '--ro-bind /usr /usr', '--perms 1777 --tmpfs /tmp', '--perms 0700 --tmpfs /home/ann',
    '--bind /home/ann/project /home/ann/project', '--ro-bind /dev/null /home/ann/project/s.sock', '--dev-bind /dev/nvidia0 /dev/nvidia0',
    '--ro-bind /state/ca.crt /run/sallyport/ca.crt', '--ro-bind-data 6 /etc/resolv.conf', '--ro-bind-data 7 /etc/hosts', '--chdir /home/ann/project',
  ]) t.match(spelled(), option)
})

t.test('the root itself is closed after everything was put in it', async t => {
  const args = bwrapArguments(line)
  const last = Math.max(...['--bind', '--ro-bind', '--tmpfs', '--symlink', '--ro-bind-data'].map(option => args.lastIndexOf(option)))
  t.ok(args.indexOf('--remount-ro') > last)
})

t.test('the command comes after the options, and none of its words can be one', async t => {
  t.strictSame(program(line, '/usr/bin/bwrap'), ['/usr/bin/bwrap', '--args', '3', '--', 'git', 'clone', '--depth', '1'])
  t.strictSame(program({ ...line, command: ['--bind', '/', '/'] }, 'bwrap').slice(-4), ['--', '--bind', '/', '/'])
})

t.test('with a terminal, Ctrl-C is the command\'s alone', async t => {
  t.strictSame(program({ ...line, hasTerminal: true, command: ['vi'] }, 'bwrap'), [
    '/usr/bin/env', '--ignore-signal=HUP,INT,QUIT,TERM,USR1,USR2', 'bwrap', '--args', '3', '--', '/usr/bin/env', '--default-signal=HUP,INT,QUIT,TERM,USR1,USR2', 'vi',
  ])
  t.strictSame(program({ ...line, hasTerminal: true, command: ['./a=b'] }, 'bwrap'), ['bwrap', '--args', '3', '--', './a=b'], '`env` would take it for a variable')
})
