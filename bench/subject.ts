/**
 * One proxy under test, in a process of its own: `plain`, `http-proxy` or `sallyport`.
 *
 * It is told where the origin is, says where it listens, and reports its own CPU time and memory when asked.
 */
import { readFileSync } from 'node:fs'
import { createPlainProxy } from './plain.ts'

export interface SubjectArguments {
  readonly design: 'plain' | 'http-proxy' | 'sallyport'
  readonly dir: string
  readonly originPort: number
  readonly originCa: string
  /** Rules of the policy beside the one that matters. */
  readonly rules: number
}

export interface Ready { readonly kind: 'ready', readonly port: number, readonly caFile: string }
export interface Usage { readonly kind: 'usage', readonly cpuMicros: number, readonly rssBytes: number, readonly heapBytes: number, readonly pending: number }

const args = JSON.parse(process.argv[2] ?? '{}') as SubjectArguments
const tell = (message: Ready | Usage): void => { process.send?.(message) }
let pending = (): number => 0

if (args.design === 'sallyport') {
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
    standing: true,
    upstreamCa: [args.originCa],
    lookup: async () => ['127.0.0.1'],
    limits: { waiters: 100_000, questionsPerHost: 100_000 },
    env: {},
  })
  const { port: own } = await firewall.listen()
  pending = () => firewall.status().counts.waiting
  tell({ kind: 'ready', port: own, caFile: firewall.ca.path })
} else {
  const { port, caFile } = await createPlainProxy({ ...args, originCa: readFileSync(args.originCa, 'utf8') })
  tell({ kind: 'ready', port, caFile })
}

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  globalThis.gc?.()
  const { rss, heapUsed, external } = process.memoryUsage()
  tell({ kind: 'usage', cpuMicros: user + system, rssBytes: rss, heapBytes: heapUsed + external, pending: pending() })
})
process.on('disconnect', () => process.exit())
