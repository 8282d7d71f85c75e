/** The processes of the benchmark: the origin, and the proxies under test. All end with this one. */
import { execFileSync, fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { oneRequest, targetOf } from './load.ts'
import type { Target } from './load.ts'
import type { Question, Ready, Report, SubjectArguments } from './subject.ts'

export interface Subject {
  readonly target: Target
  /** Milliseconds from the start of its process to the first answer through it. */
  readonly startMs: number
  ask(question: Question): Promise<Report>
  stop(): void
}

export interface Bench {
  /** @param special where it differs from ten rules and no audit log */
  start(design: SubjectArguments['design'], special?: Partial<Pick<SubjectArguments, 'rules' | 'audit'>>): Promise<Subject>
  /** A file that goes with the benchmark. */
  file(name: string): string
}

/** A host under the origin's certificate that every subject has met. */
export const KNOWN_HOST = 'keep.bench.test'

export async function openBench(): Promise<Bench> {
  const dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
  const children = new Set<ChildProcess>()
  process.on('exit', () => {
    for (const child of children) child.kill('SIGKILL')
    rmSync(dir, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))
  const file = (name: string): string => join(dir, name)

  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=bench',
    '-addext', 'subjectAltName=DNS:*.bench.test', '-keyout', file('origin.key'), '-out', file('origin.crt')], { stdio: 'ignore' })
  const { port: originPort } = await heard<{ port: number }>(launch('origin', [file('origin.crt'), file('origin.key')]))

  function launch(name: string, args: readonly string[]): ChildProcess {
    const child = fork(fileURLToPath(new URL(`${name}.js`, import.meta.url)), args, { execArgv: ['--expose-gc'], env: { PATH: process.env['PATH'] } })
    children.add(child)
    child.once('exit', () => children.delete(child))
    return child
  }

  return {
    file,
    async start(design, { rules = 10, audit = null } = {}) {
      const args: SubjectArguments = { design, rules, audit, dir: file('ca'), originPort, originCa: file('origin.crt') }
      const started = performance.now()
      const child = launch('subject', [JSON.stringify(args)])
      const ready = await heard<Ready>(child)
      const target = targetOf(ready.port, readFileSync(ready.caFile, 'utf8'), originPort)
      await oneRequest(target, KNOWN_HOST)
      return {
        target,
        startMs: performance.now() - started,
        ask(question) {
          child.send(question)
          return heard<Report>(child)
        },
        stop: () => { child.kill('SIGKILL') },
      }
    },
  }
}

/** The next message of a process. */
function heard<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => reject(new Error(`a process of the benchmark ended (${code})`))
    child.once('exit', onExit)
    child.once('message', message => {
      child.off('exit', onExit)
      resolve(message as T)
    })
  })
}
