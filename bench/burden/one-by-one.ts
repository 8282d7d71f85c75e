/**
 * The same task under the other design: each host and port is a question by itself, and a request that nobody has
 * approved yet is denied at once. The operator approves what was denied, and has to tell the agent to go on.
 *
 * Counted in its favour: the operator approves all that a step was denied before the agent is told once, and the agent goes
 * on where it was, without doing a step again that was through.
 */
import { hostsOf } from './trace.ts'
import type { Trace, TraceRequest } from './trace.ts'

export interface Burden {
  readonly requests: number
  readonly failed: number
  /** Times that somebody had to look and decide. */
  readonly questions: number
  /** Times that the agent had to be told to go on. */
  readonly prompts: number
}

export function oneByOne(trace: Trace): Burden {
  const approved = new Set<string>()
  const burden = { requests: 0, failed: 0, questions: 0, prompts: 0 }
  for (const { requests } of trace.steps) {
    for (let left: readonly TraceRequest[] = requests; left.length > 0;) {
      const denied = left.map(request => ({ request, by: firstDenied(request.url, trace.redirects, approved) })).filter(({ by }) => by !== null)
      burden.requests += left.length
      burden.failed += denied.length
      if (denied.length > 0) burden.prompts++
      for (const { by } of denied) approved.add(by!)
      left = denied.map(({ request }) => request)
    }
  }
  burden.questions = approved.size
  if (approved.size !== hostsOf(trace).length) throw new Error(`${trace.task}: a host was never met`)
  return burden
}

/** @returns the host on the way to this URL's answer that is not approved; null where all are */
function firstDenied(url: string, redirects: Trace['redirects'], approved: ReadonlySet<string>): string | null {
  const { host } = new URL(url)
  if (!approved.has(host)) return host
  const to = redirects[url]
  return to === undefined ? null : firstDenied(to, redirects, approved)
}
