/**
 * The start of a text body that waits, for whoever is asked: a rule names methods and paths, and what a POST is for stands in its body.
 *
 * Nothing is taken from what will be sent, nobody waits for more to come, and it is not logged. What stands behind a name
 * of a secret is left out.
 */
import type { Arrival } from './model/flow.ts'
import type { RawFields } from './model/request.ts'

const MAX_BYTES = 200
/** Of the event loop: a body often follows its head in the same packet. */
const TURNS = 2

/** @returns null where there is no text to be shown. The promise never rejects. */
export function bodyShown({ facts, window }: Arrival): Promise<string | null> | null {
  if (window.kind !== 'request' || facts.kind === 'refused' || facts.facts.kind !== 'request') return null
  const { hasContent, fields } = facts.facts
  if (!hasContent || !isText(fields)) return null
  return looked(() => window.peek(MAX_BYTES))
}

async function looked(peek: () => Uint8Array): Promise<string | null> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate)
  const bytes = peek()
  if (bytes.length === 0) return null
  // The last character may be cut.
  const text = new TextDecoder().decode(bytes).replace(/\uFFFD$/, '')
  return withoutSecrets(text) + (bytes.length < MAX_BYTES ? '' : '…')
}

const TEXT = /^(?:text\/|application\/(?:(?:[^;]*\+)?(?:json|xml)|x-www-form-urlencoded|x-ndjson|graphql|javascript)(?:$|[ ;]))/i

/** One type that says text, and no coding that would have to be undone. */
function isText(fields: RawFields): boolean {
  const types = valuesOf(fields, 'content-type')
  return types.length === 1 && types[0]!.length < MAX_BYTES && TEXT.test(types[0]!) && valuesOf(fields, 'content-encoding').length === 0
}

function valuesOf(fields: RawFields, name: string): string[] {
  return fields.filter((_, at) => at % 2 === 1 && fields[at - 1]!.toLowerCase() === name)
}

/** In JSON and in forms. It errs on both sides: a secret under a harmless name is shown. */
function withoutSecrets(text: string): string {
  return text.replace(/((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|credential|authorization)[\w-]*["']?\s*[:=]\s*)("[^"]*"?|[^\s&,}]+)/gi, '$1…')
}
