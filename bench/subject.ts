/**
 * One proxy under test, in a process of its own: `plain`, `http-proxy` or `sallyport`.
 *
 * It is told where the origin is, says where it listens, and reports its own CPU time and memory when asked.
 */
import { readFileSync } from 'node:fs'

export interface SubjectArguments {
  readonly design: 'plain' | 'http-proxy' | 'sallyport'
  /** Of the CA. */
  readonly dir: string
  readonly originPort: number
  /** A file. */
  readonly originCa: string
  /** Rules of the policy beside the two that matter. */
  readonly rules: number
  /** A file; null: nothing is recorded, which is what `createFirewall` does unless it is told otherwise. */
  readonly audit: string | null
}

export interface Ready {
  readonly port: number
  /** PEM. */
  readonly caFile: string
}

/** What a subject can be asked. Memory is told after a collection, whose cost is in nobody's CPU time. */
export type Question = 'cpu' | 'memory' | 'waiting'
export type Report = number

const args = JSON.parse(process.argv[2] ?? '{}') as SubjectArguments
let waiting = (): number => 0

const ready = args.design === 'sallyport' ? await startSallyport() : await startPlain(args.design)
process.on('message', (question: Question) => { process.send?.(report(question)) })
process.on('disconnect', () => process.exit())
process.send?.(ready)

async function startSallyport(): Promise<Ready> {
  const { createFirewall } = await import('../lib/index.ts')
  const port = args.originPort
  const firewall = await createFirewall({
    policy: {
      version: 1,
      rules: [
        { id: 'ask', action: 'hold', host: 'held.bench.test', port, private: true },
        { id: 'bench', host: '**.bench.test', port, private: true },
        ...Array.from({ length: args.rules }, (_, n) => ({ id: `r${n}`, host: `h${n}.example.com`, path: `/v1/projects/p${n}/**` })),
      ],
    },
    certs: args.dir,
    // Somebody may answer, so that what is held waits.
    standing: true,
    upstreamCa: [args.originCa],
    lookup: async () => ['127.0.0.1'],
    limits: { waiters: 100_000, questionsPerHost: 100_000 },
    env: {},
    ...(args.audit === null ? {} : { audit: args.audit }),
  })
  waiting = () => firewall.status().counts.waiting
  return { port: (await firewall.listen()).port, caFile: firewall.ca.path }
}

async function startPlain(design: 'plain' | 'http-proxy'): Promise<Ready> {
  const { createPlainProxy } = await import('./plain.ts')
  return await createPlainProxy({ ...args, design, originCa: readFileSync(args.originCa, 'utf8') })
}

function report(question: Question): Report {
  switch (question) {
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      return user + system
    }
    case 'memory':
      globalThis.gc?.()
      return process.memoryUsage().rss
    case 'waiting': return waiting()
    default: return question satisfies never
  }
}
