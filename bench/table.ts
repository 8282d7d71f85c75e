/** What was measured beside what was wished for, in a table that a person can read and a README can hold. */

export interface Row {
  readonly what: string
  /** Of the plain Node way, with its unit; '' where there is nothing to compare. */
  readonly plain: string
  readonly httpProxy: string
  readonly ours: string
  readonly goal: string
  /** null: no goal, told for information. */
  readonly isMet: boolean | null
}

/** A ratio that should not be larger than its goal. */
export function ratioRow(what: string, plain: string, httpProxy: number | null, ours: number, goal: number | null): Row {
  return {
    what, plain,
    httpProxy: httpProxy === null ? '' : `${httpProxy.toFixed(2)} ×`,
    ours: `${ours.toFixed(2)} ×`,
    goal: goal === null ? '' : `≤ ${goal} ×`,
    isMet: goal === null ? null : ours <= goal,
  }
}

/** Markdown. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ what, plain, httpProxy, ours, goal, isMet }) => [what, plain, httpProxy, ours, goal, isMet === null ? '' : isMet ? 'met' : 'missed'])
  return layOut([['', 'plain Node', 'http-proxy', 'sallyport', 'goal', ''], ...lines])
}

/** Markdown. @param all the first row is the head; all have as many cells */
export function layOut(all: readonly (readonly string[])[]): string {
  const widths = all[0]!.map((_, column) => Math.max(3, ...all.map(cells => cells[column]!.length)))
  const laidOut = all.map(cells => `| ${cells.map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join(' | ')} |`)
  const rule = `| ${widths.map((width, column) => column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`).join(' | ')} |`
  return [laidOut[0], rule, ...laidOut.slice(1)].join('\n')
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
