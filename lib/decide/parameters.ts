/**
 * The query and the fields of a request by their names, for conditions that ask for them. Read once for all rules: each is as
 * long as a client likes, and rules are many.
 */
import type { RequestFacts } from '../model/request.ts'

/** One `name=value`, each decoded with `+` as itself and as a space. */
export interface Parameter {
  readonly names: readonly string[]
  readonly values: readonly string[]
}

export type Parameters = ReadonlyMap<string, readonly Parameter[]>

/** @param isStrict also cut at `;`, as some origins do */
export function queryOf(facts: RequestFacts, isStrict: boolean): Parameters {
  return once(isStrict ? strictQueries : queries, facts, ({ query }) => readQuery(query ?? '', isStrict ? /[&;]/ : '&'))
}

export interface Fields {
  /** By the name in lower case; each as it was sent, in its order. */
  readonly values: ReadonlyMap<string, readonly string[]>
  /** What `Connection` names, in lower case: taken off on the way (RFC 9110 §7.6.1). */
  readonly takenOff: ReadonlySet<string>
}

export function fieldsOf(facts: RequestFacts): Fields {
  return once(fields, facts, readFields)
}

const queries = new WeakMap<RequestFacts, Parameters>()
const strictQueries = new WeakMap<RequestFacts, Parameters>()
const fields = new WeakMap<RequestFacts, Fields>()

function once<T>(known: WeakMap<RequestFacts, T>, facts: RequestFacts, read: (facts: RequestFacts) => T): T {
  const found = known.get(facts)
  if (found !== undefined) return found
  const made = read(facts)
  known.set(facts, made)
  return made
}

function readQuery(query: string, separator: string | RegExp): Parameters {
  const parameters = new Map<string, Parameter[]>()
  for (const part of query.split(separator)) {
    if (part === '') continue
    const at = part.indexOf('=')
    const parameter = at === -1
      ? { names: decodings(part), values: [''] }
      : { names: decodings(part.slice(0, at)), values: decodings(part.slice(at + 1)) }
    const [name = '', other = name] = parameter.names
    push(parameters, name, parameter)
    if (other !== name) push(parameters, other, parameter)
  }
  return parameters
}

/** An escape that is none stays as it is: the query is data, and origins read it so. */
function decodings(text: string): readonly string[] {
  const plain = text.includes('%') ? text.replace(/%([\da-f]{2})/gi, fromEscape) : text
  return text.includes('+') ? [plain, text.replaceAll('+', ' ').replace(/%([\da-f]{2})/gi, fromEscape)] : [plain]
}

function fromEscape(_: string, hex: string): string {
  return String.fromCharCode(parseInt(hex, 16))
}

function readFields({ fields }: RequestFacts): Fields {
  const values = new Map<string, string[]>()
  for (let at = 0; at + 1 < fields.length; at += 2) push(values, fields[at]!.toLowerCase(), fields[at + 1]!)
  const takenOff = (values.get('connection') ?? []).flatMap(list => list.split(',')).map(name => name.trim().toLowerCase())
  return { values, takenOff: new Set(takenOff) }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}
