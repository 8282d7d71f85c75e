/** git over smart HTTP through the firewall: clone by a rule, push held until it was approved, another repository denied. */
import t from 'tap'
import { execFile, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { openHouse } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'

const BACKEND = '/usr/lib/git-core/git-http-backend'
const isThere = existsSync(BACKEND)
const skip = !isThere && process.env['CI'] === undefined ? `${BACKEND} is not installed` : false

/** A CGI gateway (RFC 3875) to git's own server. */
function serve(root: string): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?')
    const backend = spawn(BACKEND, { env: {
      PATH: '/usr/bin:/bin', GIT_PROJECT_ROOT: root, GIT_HTTP_EXPORT_ALL: '1', REMOTE_USER: 'tester', REMOTE_ADDR: '127.0.0.1',
      REQUEST_METHOD: request.method, PATH_INFO: path, QUERY_STRING: query, CONTENT_TYPE: request.headers['content-type'] ?? '',
      ...request.headers['content-encoding'] === undefined ? {} : { HTTP_CONTENT_ENCODING: request.headers['content-encoding'] },
    } })
    request.pipe(backend.stdin)
    const chunks: Buffer[] = []
    backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
    backend.on('close', () => {
      const all = Buffer.concat(chunks)
      const end = all.indexOf('\r\n\r\n')
      for (const line of all.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', ...value] = line.split(': ')
        if (name === 'Status') response.statusCode = Number(value.join(': ').slice(0, 3))
        else response.appendHeader(name, value.join(': '))
      }
      response.end(all.subarray(end + 4))
    })
  }
}

t.test('clone is allowed, push is held and goes on, another repository is denied', { skip, timeout: 90_000 }, async t => {
  const dir = t.testdir({ server: {}, home: {} })
  const bare = join(dir, 'server/project.git')
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com']
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', bare])
  execFileSync('git', ['-C', bare, 'config', 'http.receivepack', 'true'])
  const origin = await startOrigin(t, { secure: true, handle: serve(join(dir, 'server')) })
  const house = await openHouse(t, { version: 1, unmatched: 'deny', rules: [
    { id: 'read', host: 'git.test', port: origin.port, path: ['/project.git/info/refs', '/project.git/git-upload-pack'], private: true },
    { id: 'pushes', action: 'hold', host: 'git.test', path: '/**/git-receive-pack', private: true },
  ] })
  const env = { PATH: '/usr/bin:/bin', HOME: join(dir, 'home'), GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1', ...house.firewall.env() }
  const git = (...args: string[]): Promise<{ code: number, out: string }> => new Promise(resolve => {
    execFile('/usr/bin/git', args, { env, cwd: dir }, (error, stdout, stderr) => resolve({ code: error === null ? 0 : 1, out: stdout + stderr }))
  })
  const url = `https://git.test:${origin.port}`

  t.match(await git('clone', '-q', `${url}/project.git`, 'work'), { code: 0 }, 'cloned')
  execFileSync('git', ['-C', join(dir, 'work'), ...identity, 'commit', '-q', '--allow-empty', '-m', 'first'])
  const push = git('-C', 'work', 'push', '-q', 'origin', 'HEAD:main')
  const [question] = await house.questions(1)
  t.match(question, { method: 'POST', path: '/project.git/git-receive-pack', answers: 'pushes' })
  t.notOk(existsSync(join(bare, 'refs/heads/main')), 'nothing was pushed yet')
  await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' })
  t.match(await push, { code: 0 }, 'the same push finished')
  t.match(readFileSync(join(bare, 'refs/heads/main'), 'utf8'), /^[0-9a-f]{40}/)
  t.match(await git('clone', '-q', `${url}/other.git`, 'other'), { code: 1, out: /403/ }, 'denied')
})
