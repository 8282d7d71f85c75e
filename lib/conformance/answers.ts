/** What a client read, as responses. Pure. */

/** Statuses of the final responses, in order; bodies are skipped by their lengths. @param isHead whether a HEAD was asked */
export function statusesOf(text: string, isHead: boolean): number[] {
  const statuses: number[] = []
  let at = 0
  while (text.startsWith('HTTP/1.', at)) {
    const end = text.indexOf('\r\n\r\n', at)
    if (end < 0) break
    const head = text.slice(at, end)
    const status = Number(head.slice(9, 12))
    at = end + 4
    if (status < 200) continue
    statuses.push(status)
    if (isHead) continue
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)
    const last = text.indexOf('0\r\n\r\n', at)
    if (length !== null) at += Number(length[1])
    else if (/\r\ntransfer-encoding: *chunked/i.test(head) && last >= 0) at = last + 5
    else break
  }
  return statuses
}

export const asksHead = (bytes: string): boolean => / HEAD |^HEAD /.test(bytes)

/** What a step may say of an answer; what it leaves out does not matter. */
export interface Reads {
  readonly status?: number | 'forwarded' | 'closed'
  readonly then?: readonly (number | 'forwarded')[]
  readonly holds?: string
  readonly lacks?: string
}

/** @returns '' when it is so */
export function misread(answer: string, bytes: string, { status, then, holds, lacks }: Reads): string {
  const [first = 'closed' as const, ...rest] = statusesOf(answer, asksHead(bytes))
  if (status !== undefined && numberOf(status) !== first) return `answered ${first}, not ${status}`
  if (then !== undefined && rest.join() !== then.map(numberOf).join()) return `then ${rest.join()}, not ${then.join()}`
  if (holds !== undefined && !answer.includes(holds)) return `the answer lacks ${JSON.stringify(holds)}: ${JSON.stringify(answer.slice(0, 200))}`
  if (lacks !== undefined && answer.includes(lacks)) return `the answer holds ${JSON.stringify(lacks)}`
  return ''
}

export const numberOf = (status: number | 'forwarded' | 'closed'): number | 'closed' => status === 'forwarded' ? 200 : status
