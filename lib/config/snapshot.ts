/**
 * A value from a caller or a hook → the same as frozen, plain data, or a refusal.
 *
 * The promise: each property is read once, so that nothing can show one value to the check and another to whoever
 * uses it; what comes out has no getters, no prototype but the usual one and no cycles. What JSON could not say is refused.
 */
import { below, error, shown } from './problems.ts'
import type { Problem } from './problems.ts'

export type Snapshot =
  | { readonly kind: 'data', readonly value: unknown }
  | { readonly kind: 'refused', readonly problem: Problem }

/** Levels of nesting. A policy has five. */
export const MAX_DEPTH = 64

/** @param maxNodes values in all, so that what is shared many times over cannot grow without end */
export function snapshot(value: unknown, maxNodes: number): Snapshot {
  let nodes = 0

  function copy(value: unknown, pointer: string, depth: number): unknown {
    if (++nodes > maxNodes) throw new Refused(pointer, `It holds more than ${maxNodes} values.`, 'Make it smaller.')
    if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
    if (typeof value === 'number' && Number.isFinite(value)) return value
    if (typeof value !== 'object') throw new Refused(pointer, `${describe(value)} is no JSON.`, 'Write text, a number, true, false, null, a list or an object.')
    if (depth >= MAX_DEPTH) throw new Refused(pointer, `It is nested deeper than ${MAX_DEPTH} levels, or holds itself.`, 'Write it flatter.')
    return Object.freeze(Array.isArray(value) ? copyList(value, pointer, depth) : copyObject(value, pointer, depth))
  }

  function copyList(list: readonly unknown[], pointer: string, depth: number): unknown[] {
    const { length } = list
    const copied: unknown[] = []
    for (let at = 0; at < length; at++) copied.push(copy(list[at], below(pointer, at), depth + 1))
    return copied
  }

  function copyObject(object: object, pointer: string, depth: number): Record<string, unknown> {
    const prototype: unknown = Object.getPrototypeOf(object)
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null) throw new Refused(pointer, 'It is an object of a class.', 'Hand over plain data.')
    const copied: Record<string, unknown> = {}
    for (const name of Object.keys(object)) {
      const at = below(pointer, name)
      if (name === '__proto__') throw new Refused(at, 'A property may not be called "__proto__".', 'Take it out.')
      const member: unknown = (object as Record<string, unknown>)[name]
      // As JSON.stringify does: `note: undefined` is no note.
      if (member !== undefined) copied[name] = copy(member, at, depth + 1)
    }
    return copied
  }

  try {
    return { kind: 'data', value: copy(value, '', 0) }
  } catch (caught) {
    // Anything else was thrown by a getter or a proxy of theirs.
    return { kind: 'refused', problem: caught instanceof Refused ? caught.problem : error('', 'It cannot be read: reading it throws.', 'Hand over plain data.') }
  }
}

class Refused extends Error {
  readonly problem: Problem

  constructor(pointer: string, problem: string, fix: string) {
    super(problem)
    this.problem = error(pointer, problem, fix)
  }
}

function describe(value: unknown): string {
  return typeof value === 'number' ? shown(value) : value === undefined ? 'Nothing' : `A ${typeof value}`
}
