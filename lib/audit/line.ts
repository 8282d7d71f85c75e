/**
 * Lays a record out as one line of JSON, and keeps out of it what must not be there.
 *
 * The promise: whatever the texts hold, the line is printable ASCII without a line end, valid JSON for
 * every parser, and at most MAX_LINE bytes long; it holds no userinfo, and no value of a query unless
 * those were asked for. Laid out by hand because it runs once per request.
 */
import type { AuditRecord } from '../model/audit.ts'

/** What is known of a flow so far; what is absent becomes null, 0 or false. */
export type Known = Partial<Omit<AuditRecord, 'event' | 'time' | 'flow' | 'durationMs'>>

/**
 * What is known at first: nothing. Every member is there from the beginning, because adding members to
 * an object later, with `Object.assign` or a spread, costs V8 more (11 µs a flow, measured) than all else here.
 */
export function nothingKnown(): Known {
  return {
    client: null, scheme: null, host: null, port: null, method: null, path: null, action: null, rule: null, reason: null, code: null,
    wouldHold: false, held: null, address: null, status: null, bytesUp: 0, bytesDown: 0, error: null, details: null,
  }
}

export interface LineParts {
  readonly event: AuditRecord['event']
  readonly time: string
  readonly flow: string | null
  readonly known: Known
  /** `layOutPolicy` of the policy in force. */
  readonly policy: string
  readonly durationMs: number
  readonly redactQuery: boolean
}

/** Longest line, in bytes. What is longer was not written here (test/unit/audit/line.test.ts lays out the longest). */
export const MAX_LINE = 256 * 1024

/** Longest texts, in UTF-16 units, before escaping. */
const MAX_PATH = 8_192
const MAX_TEXT = 1_024
const MAX_DETAIL = 256
const MAX_NAME = 64
/** Members of `details`. */
const MAX_DETAILS = 16

/** @returns the record as JSON, still open: `chain.ts` adds `prev`, `hash` and the last brace */
export function layOut({ event, time, flow, known, policy, durationMs, redactQuery }: LineParts): string {
  return `{"event":"${event}","time":"${time}","flow":${text(flow)},"client":${text(known.client)},"scheme":${text(known.scheme)}`
    + `,"host":${text(hostOf(known.host))},"port":${numberOrNull(known.port)},"method":${text(known.method)},"path":${pathOf(known.path, redactQuery)}`
    + `,"action":${text(known.action)},"rule":${text(known.rule)},"reason":${text(known.reason)},"code":${text(known.code)}`
    + `,"wouldHold":${known.wouldHold === true},"policy":${policy},"held":${heldOf(known.held)},"address":${text(known.address)}`
    + `,"status":${numberOrNull(known.status)},"bytesUp":${count(known.bytesUp)},"bytesDown":${count(known.bytesDown)}`
    + `,"durationMs":${count(durationMs)},"error":${text(known.error)},"details":${detailsOf(known.details)}`
}

export function layOutPolicy({ name, hash, generation }: AuditRecord['policy']): string {
  return `{"name":${text(name)},"hash":${text(hash)},"generation":${count(generation)}}`
}

/**
 * A request-target as the log may show it. Names of parameters stay, values become `…`, which cannot stand
 * raw in a target and so cannot be mistaken for one. A parameter without `=` may be a name or a value: it
 * stays only if it is short and looks like a name. Everything up to an `@` in an authority becomes `…@`.
 */
export function redactTarget(target: string, redactQuery: boolean): string {
  const bare = withoutUserinfo(target)
  const mark = bare.indexOf('?')
  if (!redactQuery || mark === -1) return bare
  return `${bare.slice(0, mark)}?${bare.slice(mark + 1).split('&').map(redactParameter).join('&')}`
}

const LOOKS_LIKE_A_NAME = /^[A-Za-z0-9_.[\]-]{0,32}$/

function redactParameter(parameter: string): string {
  const equals = parameter.indexOf('=')
  if (equals === -1) return LOOKS_LIKE_A_NAME.test(parameter) ? parameter : '…'
  const name = cut(parameter.slice(0, equals), MAX_NAME)
  return equals === parameter.length - 1 ? `${name}=` : `${name}=…`
}

/** Only malformed requests bring any, and they are recorded too: absolute forms, authorities, `//user@host`. */
function withoutUserinfo(target: string): string {
  if (!target.includes('@') || /^\/(?![/\\])/.test(target)) return target
  const start = /^(?:[A-Za-z][A-Za-z0-9+.-]*:)?[/\\]{2,}/.exec(target)?.[0].length ?? 0
  const length = target.slice(start).search(/[/?#\\]/)
  const end = length === -1 ? target.length : start + length
  const at = target.lastIndexOf('@', end - 1)
  return at < start ? target : `${target.slice(0, start)}…${target.slice(at)}`
}

function hostOf(host: string | null | undefined): string | null | undefined {
  return typeof host === 'string' && host.includes('@') ? withoutUserinfo(host) : host
}

function pathOf(path: string | null | undefined, redactQuery: boolean): string {
  return typeof path === 'string' ? quote(redactTarget(cut(path, MAX_PATH), redactQuery)) : 'null'
}

function heldOf(held: AuditRecord['held'] | undefined): string {
  if (held === null || held === undefined) return 'null'
  return `{"question":${text(held.question)},"ms":${count(held.ms)},"by":${text(held.by)},"door":${text(held.door)},"grant":${text(held.grant)},"waiters":${count(held.waiters)}}`
}

function detailsOf(details: AuditRecord['details'] | undefined): string {
  if (details === null || details === undefined) return 'null'
  const members = Object.entries(details).slice(0, MAX_DETAILS).map(([name, value]) => {
    const shown = typeof value === 'boolean' ? `${value}` : typeof value === 'number' ? numberOrNull(value) : text(value, MAX_DETAIL)
    return `${quote(cut(name, MAX_NAME))}:${shown}`
  })
  return `{${members.join(',')}}`
}

function text(value: string | null | undefined, max = MAX_TEXT): string {
  return typeof value === 'string' ? quote(cut(value, max)) : 'null'
}

/** Printable ASCII without `"` and `\`: nearly every text there is. */
const PLAIN = /^[ !#-[\]-~]*$/

function quote(value: string): string {
  if (PLAIN.test(value)) return `"${value}"`
  // A lone surrogate is legal JSON when escaped, but strict parsers refuse the whole line for it.
  return JSON.stringify(value.replace(/\p{Surrogate}/gu, '\ufffd'))
    .replace(/[\x7f-\uffff]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function cut(value: string, max: number): string {
  return value.length <= max ? value : `${value.slice(0, max - 1)}…`
}

function numberOrNull(value: number | null | undefined): string {
  return typeof value === 'number' && Number.isFinite(value) ? `${value}` : 'null'
}

/** A length, size or number of things: a whole number from 0. */
function count(value: number | undefined): string {
  return typeof value === 'number' && value > 0 && Number.isFinite(value) ? `${Math.round(value)}` : '0'
}
