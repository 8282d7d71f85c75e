/**
 * JSON as RFC 8259 has it, read so that nothing in it is lost in silence.
 *
 * `JSON.parse` keeps the last of two equal keys, and a reader who sees the first believes another policy is in force.
 * Here a repeated key and `__proto__` are problems, told with their pointers; otherwise the two accept the same texts
 * (test/unit/config/json.test.ts). One pass, in time linear in the text.
 */
import { below, error, shown } from './problems.ts'
import type { Problem } from './problems.ts'
import { MAX_DEPTH } from './snapshot.ts'

/** Where a member of the outermost object stands: offsets of its value in the text. */
export interface Span {
  readonly start: number
  readonly end: number
}

export type JsonText =
  | { readonly kind: 'json', readonly value: unknown, readonly members: ReadonlyMap<string, Span> }
  | { readonly kind: 'invalid', readonly problems: readonly Problem[] }

export function parseJson(text: string): JsonText {
  const reader = createReader(text)
  try {
    const value = reader.read()
    return reader.problems.length > 0 ? { kind: 'invalid', problems: reader.problems } : { kind: 'json', value, members: reader.members }
  } catch (caught) {
    if (!(caught instanceof SyntaxFault)) throw caught
    return { kind: 'invalid', problems: [...reader.problems, error('', `${placeOf(text, caught.at)}: ${caught.says}.`, caught.fix)] }
  }
}

class SyntaxFault extends Error {
  readonly at: number
  readonly says: string
  readonly fix: string

  constructor(at: number, says: string, fix: string) {
    super(says)
    this.at = at
    this.says = says
    this.fix = fix
  }
}

const SPACE = /[ \t\n\r]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y
const ESCAPE = /\\(?:["\\/bfnrt]|u[\da-fA-F]{4})/y

function createReader(text: string): { read(): unknown, readonly problems: Problem[], readonly members: Map<string, Span> } {
  const problems: Problem[] = []
  const members = new Map<string, Span>()
  let at = 0

  function take(token: RegExp): string | null {
    token.lastIndex = at
    const found = token.exec(text)?.[0] ?? null
    if (found !== null) at += found.length
    return found
  }

  /** Character by character: one expression for a whole string overflows the engine's stack on a long one. */
  function takeString(): string | null {
    if (text[at] !== '"') return null
    const start = at
    for (at++; text[at] !== '"';) {
      const isSound = text[at] === '\\' ? take(ESCAPE) !== null : text.charCodeAt(at++) >= 0x20
      if (isSound) continue
      at = start
      return null
    }
    at++
    return text.slice(start, at)
  }

  /** Skips space. @returns whether the character was there and is taken */
  function takes(character: string): boolean {
    take(SPACE)
    if (text[at] !== character) return false
    at++
    return true
  }

  function fail(expected: string): never {
    throw new SyntaxFault(at, at >= text.length ? `the text ends where ${expected} belongs` : `${shown(text[at])} stands where ${expected} belongs`, 'Correct it: JSON has no comments, no trailing commas and no single quotes.')
  }

  function value(pointer: string, depth: number): unknown {
    if (depth > MAX_DEPTH) throw new SyntaxFault(at, `it is nested deeper than ${MAX_DEPTH} levels`, 'Write it flatter.')
    if (takes('{')) return object(pointer, depth)
    if (takes('[')) return array(pointer, depth)
    // The engine's own reading of strings and numbers, once their form is right.
    const scalar = takeString() ?? take(NUMBER) ?? take(WORD) ?? fail('a value')
    return JSON.parse(scalar)
  }

  function object(pointer: string, depth: number): unknown {
    const read: Record<string, unknown> = {}
    if (takes('}')) return read
    do {
      take(SPACE)
      const name = JSON.parse(takeString() ?? fail('a name in double quotes')) as string
      const here = below(pointer, name)
      if (!takes(':')) fail('":"')
      take(SPACE)
      const start = at
      const member = value(here, depth + 1)
      if (depth === 1) members.set(name, { start, end: at })
      if (name === '__proto__') problems.push(error(here, 'A property may not be called "__proto__".', 'Take it out.'))
      else if (Object.hasOwn(read, name)) problems.push(error(here, `The property ${shown(name)} stands there twice.`, 'Keep one of the two.'))
      else read[name] = member
    } while (takes(','))
    if (!takes('}')) fail('"," or "}"')
    return read
  }

  function array(pointer: string, depth: number): unknown {
    const read: unknown[] = []
    if (takes(']')) return read
    do read.push(value(below(pointer, read.length), depth + 1))
    while (takes(','))
    if (!takes(']')) fail('"," or "]"')
    return read
  }

  return {
    problems,
    members,
    read() {
      const document = value('', 1)
      take(SPACE)
      if (at < text.length) fail('nothing more')
      return document
    },
  }
}

function placeOf(text: string, at: number): string {
  const lines = text.slice(0, at).split('\n')
  return `Line ${lines.length}, column ${(lines.at(-1)?.length ?? 0) + 1}`
}
