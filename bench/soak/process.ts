/** The firewall's process, as the soak sees it: one message, one answer. */
import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Measure, SubjectOptions, Told } from './measure.ts'

export interface Subject {
  readonly port: number
  readonly process: ChildProcess
  tell(told: Told): Promise<unknown>
  measure(): Promise<Measure>
  /** Ended in good order. */
  close(): Promise<void>
  /** Ended by SIGKILL. */
  kill(): Promise<void>
}

export async function startSubject(options: SubjectOptions): Promise<Subject> {
  const child = fork(fileURLToPath(new URL('subject.js', import.meta.url)), [JSON.stringify(options)], { execArgv: ['--expose-gc'], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = new Promise<void>(resolve => child.once('exit', () => resolve()))
  let last: Promise<unknown> = Promise.resolve()
  const next = (): Promise<unknown> => new Promise((resolve, reject) => {
    child.once('message', resolve)
    void ended.then(() => reject(new Error('the firewall has ended')))
  })
  const { port } = await next() as { port: number }
  const tell = (told: Told): Promise<unknown> => {
    const answered = last.then(() => { const answer = next(); child.send(told); return answer })
    last = answered.catch(() => {})
    return answered
  }
  return {
    port, process: child, tell,
    measure: () => tell('measure') as Promise<Measure>,
    async close() { await tell('close'); child.disconnect(); await ended },
    async kill() { child.kill('SIGKILL'); await ended },
  }
}
