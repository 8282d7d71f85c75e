/**
 * Running a program as root and as an ordinary user, each with a home of its own.
 *
 * The ordinary user is nobody (uid 65534): the checkout, this Node and a /dev/null for all are shown to it in a mount
 * namespace of its own, because it may enter neither root's folders nor whatever else a checkout lies in.
 */
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

interface Teardown { teardown(call: () => unknown): void }

export interface User {
  readonly name: string
  readonly uid: number
  readonly home: string
  /** A project's folder in the home. */
  readonly work: string
  readonly env: Readonly<Record<string, string>>
  /** A file of the checkout, as this user sees it. */
  file(path: string): string
  /** This Node, as this user sees it. */
  readonly node: string
  /** What to start so that this is run as the user. */
  command(...command: readonly string[]): { readonly file: string, readonly args: readonly string[] }
}

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const NODE = dirname(dirname(process.execPath))
const NOBODY = 65_534

/** As whom the tests run here: root and nobody where we are root, else ourselves. */
export const USERS: readonly ('root' | 'nobody' | 'self')[] = process.getuid?.() === 0 ? ['root', 'nobody'] : ['self']

export function openUser(t: Teardown, name: 'root' | 'nobody' | 'self'): User {
  // Short, because a control socket's path has a limit.
  const home = mkdtempSync(join(tmpdir(), 'sp-'))
  t.teardown(() => rmSync(home, { recursive: true, force: true }))
  const work = join(home, 'work')
  const runtime = join(home, 'run')
  mkdirSync(work)
  mkdirSync(runtime, { mode: 0o700 })
  const isNobody = name === 'nobody'
  if (isNobody) for (const folder of [home, work, runtime]) chownSync(folder, NOBODY, NOBODY)
  chmodSync(home, 0o755)
  const env = { PATH: `${isNobody ? '/mnt/node' : NODE}/bin:/usr/local/bin:/usr/bin:/bin`, HOME: home, XDG_RUNTIME_DIR: runtime, XDG_STATE_HOME: join(home, 'state'), LC_ALL: 'C.UTF-8' }
  // Whatever watches this process would watch its children through variables.
  const plain = ['env', '-i', ...Object.entries(env).map(pair => pair.join('='))]
  return {
    name, home, work, env,
    uid: isNobody ? NOBODY : process.getuid!(),
    file: path => join(isNobody ? '/mnt/checkout' : ROOT, path),
    node: isNobody ? '/mnt/node/bin/node' : process.execPath,
    command: (...command) => isNobody
      ? { file: 'unshare', args: ['--mount', '--propagation', 'private', 'sh', '-ec', AS_NOBODY, 'sh', ROOT, NODE, ...plain, ...command] }
      : { file: 'env', args: [...plain.slice(1), ...command] },
  }
}

const AS_NOBODY = `
  mount -t tmpfs none /mnt
  mkdir /mnt/checkout /mnt/node
  mount --bind "$1" /mnt/checkout
  mount --bind "$2" /mnt/node
  mknod /mnt/null c 1 3 && chmod 666 /mnt/null
  mount --bind /mnt/null /dev/null
  shift 2
  exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups --inh-caps=-all "$@"`
