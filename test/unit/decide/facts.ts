/** Facts as `normalize/` would make them, from what a test wants to say. */
import { canonicalHost } from '../../../lib/normalize/host.ts'
import { readTarget } from '../../../lib/normalize/path.ts'
import type { RequestFacts, RequestScheme, StreamFacts } from '../../../lib/model/request.ts'

export interface Wanted {
  host?: string
  port?: number
  scheme?: RequestScheme
  method?: string
  /** Beside the method, as an override field would name them. */
  alsoMethods?: readonly string[]
  fields?: readonly string[]
  hasContent?: boolean
}

const PORTS = { https: 443, wss: 443, http: 80, ws: 80 }

export function request(target: string, { host = 'api.example.com', scheme = 'https', port = PORTS[scheme], method = 'GET', alsoMethods = [], fields = [], hasContent = false }: Wanted = {}): RequestFacts {
  const read = readTarget(target)
  if (read.kind === 'refused') throw new Error(read.reason)
  return {
    kind: 'request', client: 'c', scheme, port, ...authority(host),
    method, methods: [method, ...alsoMethods], target, path: read.path, query: read.query, readings: read.readings,
    fields, hasContent, contentLength: hasContent ? null : 0,
  }
}

export function stream(scheme: 'tcp' | 'https', port: number, host = 'api.example.com'): StreamFacts {
  return { kind: 'stream', client: 'c', scheme, port, ...authority(host) }
}

function authority(host: string): Pick<RequestFacts, 'host' | 'hostKind'> {
  const normalized = canonicalHost(host)
  if (normalized.kind === 'refused') throw new Error(normalized.reason)
  return { host: normalized.host, hostKind: normalized.hostKind }
}
