/**
 * Reads a line back. It may have been written by anybody: what comes out has the types it says, and its
 * texts are still hostile.
 */
import type { AuditRecord } from '../model/audit.ts'

/** @returns null for what is no record */
export function parseRecord(line: string): AuditRecord | null {
  const value = parseJson(line)
  return isRecord(value) ? value : null
}

export function isRecord(value: unknown): value is AuditRecord {
  return isObject(value)
    && isOneOf(value.event, EVENTS)
    && typeof value.time === 'string' && !Number.isNaN(Date.parse(value.time))
    && TEXTS.every(name => value[name] === null || typeof value[name] === 'string')
    && (value.action === null || isOneOf(value.action, ACTIONS))
    && ['port', 'status'].every(name => value[name] === null || typeof value[name] === 'number')
    && ['bytesUp', 'bytesDown', 'durationMs'].every(name => typeof value[name] === 'number')
    && typeof value.wouldHold === 'boolean'
    && isPolicy(value.policy)
    && (value.held === null || isHeld(value.held))
    && (value.details === null || (isObject(value.details) && Object.values(value.details).every(isPlain)))
}

const EVENTS: readonly unknown[] = ['open', 'closed', 'interrupted', 'notice'] satisfies AuditRecord['event'][]
const ACTIONS: readonly unknown[] = ['allow', 'deny', 'refuse', 'hold', 'serve'] satisfies AuditRecord['action'][]
const TEXTS = ['flow', 'client', 'scheme', 'host', 'method', 'path', 'rule', 'reason', 'code', 'address', 'error'] as const satisfies (keyof AuditRecord)[]

type Fields = Readonly<Record<string, unknown>>

function isPolicy(value: unknown): boolean {
  return isObject(value) && isTextOrNull(value.name) && typeof value.hash === 'string' && typeof value.generation === 'number'
}

function isHeld(value: unknown): boolean {
  return isObject(value) && typeof value.ms === 'number' && typeof value.waiters === 'number'
    && ['question', 'by', 'door', 'grant'].every(name => isTextOrNull(value[name]))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Only a SyntaxError can come: the text is no JSON and so no record.
    return null
  }
}

const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value)
const isTextOrNull = (value: unknown): boolean => value === null || typeof value === 'string'
const isPlain = (value: unknown): boolean => value === null || ['string', 'number', 'boolean'].includes(typeof value)
const isOneOf = (value: unknown, names: readonly unknown[]): boolean => names.includes(value)
