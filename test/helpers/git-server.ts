/** Smart HTTP for git: the origin hands each request to `git http-backend`, as a web server would by CGI. */
import { spawn } from 'node:child_process'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { originCertificate } from './certificates.ts'
import { bareEnvironment, openFolder, runWell } from './clients.ts'
import type { Scheme } from './clients.ts'
import { startOrigin } from './origin.ts'
import type { Origin } from './origin.ts'

interface Teardown { teardown(call: () => unknown): void }

export interface GitServer {
  readonly origin: Origin
  /** The bare repository that is served as `/repo.git`. */
  readonly repository: string
}

/** Serves one repository: `README` and one commit on `main`. Anyone may push to it. */
export async function startGitServer(t: Teardown, scheme: Scheme, certificate = originCertificate()): Promise<GitServer> {
  const root = openFolder(t)
  const repository = join(root, 'repo.git')
  const work = join(root, 'work')
  const env = gitEnvironment(root)
  mkdirSync(work)
  writeFileSync(join(work, 'README'), 'hello\n')
  for (const command of [['init', '-q', '-b', 'main'], ['add', 'README'], ['commit', '-q', '-m', 'first'], ['clone', '-q', '--bare', '.', repository]]) {
    await runWell(['git', ...command], { env, cwd: work })
  }
  await runWell(['git', '-C', repository, 'config', 'http.receivepack', 'true'], { env })
  const origin = await startOrigin(t, { secure: scheme === 'https', certificate, handle: (request, response) => serve(root, request, response) })
  return { origin, repository }
}

/** What git needs to commit, and nothing of this machine's own settings. */
export const gitEnvironment = (home: string): Record<string, string> => ({
  ...bareEnvironment(home),
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@git.test', GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'ann@git.test',
})

function serve(root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://git.test')
  const header = (name: string): string => String(request.headers[name] ?? '')
  const backend = spawn('git', ['http-backend'], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: {
      ...gitEnvironment(root),
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: '1',
      REQUEST_METHOD: request.method ?? '',
      PATH_INFO: decodeURIComponent(pathname),
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: header('content-type'),
      CONTENT_LENGTH: header('content-length'),
      HTTP_CONTENT_ENCODING: header('content-encoding'),
      GIT_PROTOCOL: header('git-protocol'),
    },
  })
  request.pipe(backend.stdin)
  backend.stdin.on('error', () => {})
  const chunks: Buffer[] = []
  backend.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  backend.once('close', () => {
    const output = Buffer.concat(chunks)
    const end = output.indexOf('\r\n\r\n')
    const fields = output.subarray(0, end).toString('latin1').split('\r\n').map(line => line.split(': ', 2) as [string, string])
    const status = fields.find(([name]) => name === 'Status')?.[1] ?? '200'
    response.writeHead(Number.parseInt(status, 10), Object.fromEntries(fields.filter(([name]) => name !== 'Status')))
    response.end(output.subarray(end + 4))
  })
}
