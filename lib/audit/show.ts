/**
 * The log, for people: which records, and each as one line that is safe to print.
 */
import type { AuditRecord } from '../model/audit.ts'
import { displayHost, visible } from '../model/display.ts'
import { linesOf } from './files.ts'
import { parseRecord } from './parse.ts'

export interface LogFilters {
  /** That host and every host below it. */
  readonly host?: string
  readonly action?: string
  /** Milliseconds since 1970: records of that moment and later. */
  readonly since?: number
}

/**
 * Reads the rotated files too, oldest first. A line that is no record is shown as a notice that says so,
 * whatever the filters; a last line without an end is being written now and left out.
 *
 * @param file the log's path, or a list of files in their order
 * @throws OperatorError E_AUDIT_UNREADABLE
 */
export async function* readLog(file: string | readonly string[], filters: LogFilters = {}): AsyncGenerator<AuditRecord, void, void> {
  for (const line of linesOf(file)) {
    if (line.kind === 'torn') continue
    const record = line.kind === 'whole' ? parseRecord(line.bytes.toString('utf8')) : null
    if (record === null) yield unreadable(line.file, line.number)
    else if (passes(record, filters)) yield record
  }
}

/** One line without its end, display-safe. */
export function formatRecord(record: AuditRecord, { color }: { readonly color: boolean }): string {
  const paint = (code: number, text: string): string => color ? `\x1b[${code}m${text}\x1b[0m` : text
  const time = paint(DIM, visible(record.time, 24))
  if (record.event === 'notice') return `${time}  ${paint(BLUE, 'notice')}  ${visible(record.reason ?? '', MAX_SHOWN)}${paint(DIM, detailsOf(record))}`
  const verb = record.event === 'closed' ? record.action ?? 'ended' : record.event
  const outcome = record.event === 'closed' ? [record.status, record.code, record.error === record.code ? null : record.error] : [record.action]
  return [
    time,
    paint(COLORS[verb] ?? YELLOW, visible(verb, 11).padEnd(6)),
    whatOf(record),
    ...outcome.filter(part => part !== null).map(part => visible(String(part), MAX_WORD)),
    record.wouldHold ? paint(YELLOW, 'would hold') : null,
    paint(DIM, restOf(record)),
  ].filter(part => part !== null && part !== '').join('  ')
}

const MAX_SHOWN = 300
const MAX_WORD = 80
const DIM = 2
const BLUE = 34
const YELLOW = 33
const COLORS: Readonly<Record<string, number>> = { allow: 32, deny: 31, refuse: 31, interrupted: 31 }

/** `GET https://host:443/path`, as far as it is known. */
function whatOf({ scheme, host, port, method, path }: AuditRecord): string {
  const origin = host === null ? '' : `${visible(scheme ?? '?', MAX_WORD)}://${port === null ? visible(host, MAX_SHOWN) : displayHost(host, port)}`
  const target = path === null ? '' : visible(path, MAX_SHOWN)
  return [method === null ? '' : visible(method, MAX_WORD), `${origin}${target}`].filter(Boolean).join(' ')
}

function restOf({ event, durationMs, rule, held, client, flow, reason, code }: AuditRecord): string {
  return [
    event === 'closed' ? `${durationMs} ms` : null,
    rule === null ? null : `rule ${visible(rule, MAX_WORD)}`,
    held === null ? null : `held ${held.ms} ms${held.by === null ? '' : ` by ${visible(held.by, MAX_WORD)}`}`,
    client === null ? null : `client ${visible(client, MAX_WORD)}`,
    flow === null ? null : `flow ${visible(flow, MAX_WORD)}`,
    reason === null || (event === 'closed' && code === null) ? null : visible(reason, MAX_SHOWN),
  ].filter(part => part !== null).join('  ')
}

function detailsOf({ details }: AuditRecord): string {
  return Object.entries(details ?? {}).map(([name, value]) => `  ${visible(name, MAX_WORD)} ${visible(String(value), MAX_WORD)}`).join('')
}

function passes({ time, host, action }: AuditRecord, filters: LogFilters): boolean {
  return (filters.host === undefined || (host !== null && (host === filters.host || host.endsWith(`.${filters.host}`))))
    && (filters.action === undefined || action === filters.action)
    && (filters.since === undefined || Date.parse(time) >= filters.since)
}

function unreadable(file: string, line: number): AuditRecord {
  return {
    event: 'notice', time: '-', flow: null, client: null, scheme: null, host: null, port: null, method: null, path: null,
    action: null, rule: null, reason: 'a line of the log is no record', code: null, wouldHold: false, policy: { name: null, hash: '', generation: 0 },
    held: null, address: null, status: null, bytesUp: 0, bytesDown: 0, durationMs: 0, error: null, details: { file, line },
  }
}
