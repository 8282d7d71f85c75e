/**
 * Which requests ask the same question.
 */
import type { Asking } from '../model/hold.ts'
import { twinKey } from '../model/request.ts'
import type { Facts, RawFields } from '../model/request.ts'

/**
 * The same text for askings of which one may take the other's place: twins, asked by the same rule, whose
 * announced bodies, what was shown of them, and whose methods look the same. The methods are in it because an override field
 * (`X-HTTP-Method-Override: DELETE`) must not ride on the approval of a plain GET (I11).
 */
export function likeOf({ facts, answers, body: start = null }: Asking): string {
  const body = facts.kind === 'request' && facts.hasContent ? [facts.contentLength, contentTypes(facts.fields), start] : null
  return JSON.stringify([twinKey(facts), answers, facts.kind === 'request' ? facts.methods : null, body])
}

/** Asking twice for this is the same as asking once, so those that ask at the same time share one question. */
export function isShareable(facts: Facts): boolean {
  return facts.kind === 'request'
    && (facts.scheme === 'https' || facts.scheme === 'http')
    && !facts.hasContent
    && facts.methods.every(method => SAFE.has(method))
}

/** RFC 9110 §9.2.1, without TRACE, which is never forwarded. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

function contentTypes(fields: RawFields): string[] {
  const values: string[] = []
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() === 'content-type') values.push(fields[i + 1] ?? '')
  }
  return values
}
