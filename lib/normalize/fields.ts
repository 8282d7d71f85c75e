/**
 * The fields of a request that decide what it is: for whom, how long, by which method.
 *
 * A loop over the lines as they stood, for an object keyed by names has a prototype, joins and loses
 * (FACTS §2). The framing was checked on the wire; it is checked again here, on what Node's parser made of it.
 */
import type { RawFields } from '../model/request.ts'

export interface ReadFields {
  readonly kind: 'fields'
  /** The value of the one Host field, as written; null where none was sent. */
  readonly host: string | null
  /** Bytes; null when chunked; 0 when there is no body. */
  readonly contentLength: number | null
  /** Methods that override fields name, in upper case, as frameworks read them. */
  readonly overrides: readonly string[]
  /** Exactly one `Upgrade`, exactly `websocket`, and `Connection` says so (RFC 6455 §4.2.1). */
  readonly offersWebSocket: boolean
}

export type FieldsResult = ReadFields | { readonly kind: 'refused', readonly reason: string }

export function readFields(fields: RawFields, httpVersion: string): FieldsResult {
  let host: string | null = null
  let length: number | null = null
  let isChunked = false
  let upgrade: string | null = null
  let connectsUpgrade = false
  let overrides = NO_OVERRIDES
  for (let i = 0; i < fields.length; i += 2) {
    const name = nameOf(fields[i]!)
    if (name === null) continue
    const value = fields[i + 1] ?? ''
    switch (name) {
      case 'host':
        if (host !== null) return refused('Host is sent twice')
        host = value
        break
      case 'content-length':
        if (length !== null) return refused('Content-Length is sent twice')
        length = lengthIn(value)
        if (length === null) return refused('Content-Length is not one decimal number')
        break
      case 'transfer-encoding':
        if (isChunked || value.toLowerCase() !== 'chunked') return refused('Transfer-Encoding is not chunked, once and alone')
        if (httpVersion !== '1.1') return refused('HTTP/1.0 has no Transfer-Encoding')
        isChunked = true
        break
      case 'connection':
        if (NAMES_ESSENTIAL.test(value)) return refused('Connection names a field that no hop may take away')
        connectsUpgrade ||= NAMES_UPGRADE.test(value)
        break
      case 'upgrade':
        upgrade = upgrade === null ? value : `${upgrade}, ${value}`
        break
      case 'x-http-method': case 'x-http-method-override': case 'x-method-override':
        if (value === '') break
        if (!TOKEN.test(value)) return refused(`${name} names no method`)
        overrides = [...overrides, value.toUpperCase()]
        break
      default: name satisfies never
    }
  }
  if (isChunked && length !== null) return refused('Content-Length and Transfer-Encoding are both sent')
  const offersWebSocket = connectsUpgrade && upgrade !== null && upgrade.toLowerCase() === 'websocket'
  return { kind: 'fields', host, contentLength: isChunked ? null : length ?? 0, overrides, offersWebSocket }
}

/** `tchar` of RFC 9110 §5.6.2. */
export const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/

const NO_OVERRIDES: readonly string[] = Object.freeze([])

/** As elements of the list that Connection is. */
const NAMES_ESSENTIAL = /(?:^|[\s,])(?:host|content-length|transfer-encoding)(?![^\s,])/i
const NAMES_UPGRADE = /(?:^|[\s,])upgrade(?![^\s,])/i

const READ = ['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'x-http-method', 'x-http-method-override', 'x-method-override'] as const
type ReadName = (typeof READ)[number]

/** A bit for each length. */
const LENGTHS = READ.reduce((bits, { length }) => bits | 1 << length, 0)

/** @returns the field's name if it is one that is read here, else null; most names are told by their length alone */
function nameOf(written: string): ReadName | null {
  if (written.length > 31 || (LENGTHS >> written.length & 1) === 0) return null
  const name = written.toLowerCase()
  return READ.find(read => read === name) ?? null
}

/** A decimal number as we would write it; null for anything else. */
function lengthIn(value: string): number | null {
  if (!DECIMAL.test(value)) return null
  const length = Number(value)
  return Number.isSafeInteger(length) ? length : null
}

const DECIMAL = /^(?:0|[1-9]\d{0,15})$/

function refused(reason: string): FieldsResult {
  return { kind: 'refused', reason }
}
