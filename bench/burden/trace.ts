/**
 * What an agent's task asks of the network, as data: `traces/*.json`.
 *
 * A trace is a list of steps; the requests of a step run side by side, as the client behind them would run them, and the
 * next step begins when all of them are through. Hosts are stand-ins (`.test`), shapes of URLs are those of real services.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../lib/config/package-root.ts'

export interface Trace {
  readonly task: string
  readonly says: string
  /** What a person would call one thing, and say yes or no to. */
  readonly services: readonly Service[]
  readonly steps: readonly Step[]
  /** `https://host/path` → where it sends its client on to. Every other URL answers. */
  readonly redirects: Readonly<Record<string, string>>
}

export interface Service {
  readonly name: string
  readonly hosts: readonly string[]
  /** What the operator takes when asked about it: the widest suggestion up to this one. `siblings`: reading, on all hosts of its domain, as they edit it. */
  readonly takes: 'endpoint' | 'below' | 'read-only' | 'host' | 'siblings'
}

export interface Step {
  readonly requests: readonly TraceRequest[]
  /** How many of them run at the same time. */
  readonly parallel: number
}

export interface TraceRequest {
  readonly method: string
  readonly url: string
  /** Bytes of its body. */
  readonly sends: number
}

/** A step as it is written: `{}` in the request stands for each of `each`, or for `count` numbers from `from`. */
interface WrittenStep {
  /** `GET https://host/path` */
  readonly request: string | readonly string[]
  readonly each?: readonly string[]
  readonly from?: number
  readonly count?: number
  readonly parallel?: number
  readonly sends?: number
}

interface WrittenTrace extends Omit<Trace, 'steps' | 'redirects'> {
  readonly steps: readonly WrittenStep[]
  readonly redirects?: Trace['redirects']
}

/** In the order of their names. */
export function traceNames(): readonly string[] {
  return readdirSync(folder()).filter(file => file.endsWith('.json')).map(file => file.slice(0, -'.json'.length)).sort()
}

/** @throws where it is no trace: a mistake of whoever wrote it */
export function readTrace(name: string): Trace {
  const written = JSON.parse(readFileSync(join(folder(), `${name}.json`), 'utf8')) as WrittenTrace
  const trace = { ...written, redirects: written.redirects ?? {}, steps: written.steps.map(readStep) }
  const known = new Set(trace.services.flatMap(({ hosts }) => hosts))
  const strange = hostsOf(trace).filter(host => !known.has(host) || !host.endsWith('.test'))
  if (strange.length > 0) throw new Error(`${name}: no service has ${strange.join(', ')}, or it does not end in .test`)
  return trace
}

/** Every host that the task meets. */
export function hostsOf({ steps, redirects }: Trace): readonly string[] {
  const urls = [...steps.flatMap(({ requests }) => requests.map(({ url }) => url)), ...Object.values(redirects)]
  return [...new Set(urls.map(url => new URL(url).hostname))]
}

function folder(): string {
  return join(packageRoot(), 'bench/burden/traces')
}

function readStep({ request, each, from = 1, count, parallel = 1, sends = 0 }: WrittenStep): Step {
  const values = each ?? (count === undefined ? null : Array.from({ length: count }, (_, n) => String(from + n)))
  const lines = [request].flat().flatMap(line => line.includes('{}') && values !== null ? values.map(value => line.replace('{}', value)) : [line])
  return {
    parallel,
    requests: lines.map(line => {
      const [method = '', url = ''] = line.split(' ')
      return { method, url: new URL(url).href, sends }
    }),
  }
}
