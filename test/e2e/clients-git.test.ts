/** git over smart HTTP: cloning and pushing, each allowed, denied, and held until somebody approves. */
import t from 'tap'
import type { Test } from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SCHEMES, approveOnce, clientEnvironment, needing, openFolder, run, runWell, threeDoors } from '../helpers/clients.ts'
import type { Env, Ran, Scheme } from '../helpers/clients.ts'
import { gitEnvironment, startGitServer } from '../helpers/git-server.ts'
import type { GitServer } from '../helpers/git-server.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import type { PolicyDocument } from '../../lib/index.ts'

interface Desk extends GitServer {
  readonly house: House
  readonly env: Env
  /** Of the client. */
  readonly home: string
  url(host: string): string
  git(...args: string[]): Promise<Ran>
}

async function openDesk(t: Test, scheme: Scheme, policy: (port: number) => PolicyDocument = threeDoors): Promise<Desk> {
  const server = await startGitServer(t, scheme)
  const house = await openHouse(t, policy(server.origin.port))
  const home = openFolder(t)
  const env = { ...gitEnvironment(home), ...clientEnvironment(house.firewall, home) }
  return {
    ...server, house, env, home,
    url: host => `${scheme}://${host}:${server.origin.port}/repo.git`,
    git: (...args) => run(['git', ...args], { env, cwd: home }),
  }
}

/** A clone with one commit that the server has not; the server is not asked. @returns its folder */
async function commitSomething({ repository, env, home }: Desk): Promise<string> {
  const copy = join(home, 'copy')
  await runWell(['git', 'clone', '-q', repository, copy], { env })
  writeFileSync(join(copy, 'README'), 'hello again\n')
  await runWell(['git', '-C', copy, 'commit', '-q', '-a', '-m', 'second'], { env })
  return copy
}

const head = async (desk: Desk, folder: string): Promise<string> => (await runWell(['git', '-C', folder, 'rev-parse', 'main'], { env: desk.env })).stdout
const CLONE = ['GET /repo.git/info/refs?service=git-upload-pack', 'POST /repo.git/git-upload-pack', 'POST /repo.git/git-upload-pack']
const PUSH = ['GET /repo.git/info/refs?service=git-receive-pack', 'POST /repo.git/git-receive-pack']

t.test('git', needing('git', ['git', '--version']), async t => {
  for (const scheme of SCHEMES) {
    t.test(`${scheme}: a clone that is allowed brings the files`, async t => {
      const desk = await openDesk(t, scheme)
      const ran = await desk.git('clone', desk.url('open.test'), 'out')
      t.equal(ran.status, 0, ran.output)
      t.equal(readFileSync(join(desk.home, 'out/README'), 'utf8'), 'hello\n')
    })

    t.test(`${scheme}: a clone that is denied says 403, and the origin hears nothing`, async t => {
      const desk = await openDesk(t, scheme)
      const ran = await desk.git('clone', desk.url('shut.test'), 'out')
      t.equal(ran.status, 128)
      t.match(ran.output, /\b403\b/)
      t.equal(desk.origin.connections, 0)
    })

    t.test(`${scheme}: a clone that is held goes on, request by request, as they are approved`, async t => {
      const desk = await openDesk(t, scheme)
      const { ran, asked } = await approveOnce(desk.house, desk.git('clone', desk.url('ask.test'), 'out'))
      t.equal(ran.status, 0, ran.output)
      t.same(asked, CLONE)
      t.equal(readFileSync(join(desk.home, 'out/README'), 'utf8'), 'hello\n')
    })

    t.test(`${scheme}: a push that is allowed moves the branch`, async t => {
      const desk = await openDesk(t, scheme)
      const copy = await commitSomething(desk)
      const ran = await desk.git('-C', copy, 'push', desk.url('open.test'), 'main')
      t.equal(ran.status, 0, ran.output)
      t.equal(await head(desk, desk.repository), await head(desk, copy))
    })

    t.test(`${scheme}: a push that is denied says 403, and the origin hears nothing`, async t => {
      const desk = await openDesk(t, scheme)
      const copy = await commitSomething(desk)
      const ran = await desk.git('-C', copy, 'push', desk.url('shut.test'), 'main')
      t.equal(ran.status, 128)
      t.match(ran.output, /\b403\b/)
      t.equal(desk.origin.connections, 0)
      t.not(await head(desk, desk.repository), await head(desk, copy))
    })

    t.test(`${scheme}: a push that is held moves the branch once it is approved`, async t => {
      const desk = await openDesk(t, scheme)
      const copy = await commitSomething(desk)
      const before = await head(desk, desk.repository)
      const { ran, asked } = await approveOnce(desk.house, desk.git('-C', copy, 'push', desk.url('ask.test'), 'main'))
      t.equal(ran.status, 0, ran.output)
      t.same(asked, PUSH)
      t.not(await head(desk, desk.repository), before)
      t.equal(await head(desk, desk.repository), await head(desk, copy))
    })

    t.test(`${scheme}: a rule for git-receive-pack asks about a push and lets a clone pass`, async t => {
      const desk = await openDesk(t, scheme, port => ({
        version: 1,
        unmatched: 'deny',
        rules: [
          { id: 'git', host: 'git.test', scheme: ['http', 'https'], port, private: true },
          { id: 'pushes', action: 'hold', host: 'git.test', path: '/**/git-receive-pack', private: true },
        ],
      }))
      const copy = await commitSomething(desk)
      const cloned = await desk.git('clone', desk.url('git.test'), 'out')
      t.equal(cloned.status, 0, cloned.output)
      const { ran, asked } = await approveOnce(desk.house, desk.git('-C', copy, 'push', desk.url('git.test'), 'main'))
      t.equal(ran.status, 0, ran.output)
      t.same(asked, PUSH.slice(1))
      t.equal(await head(desk, desk.repository), await head(desk, copy))
    })
  }
})
