/** docs/scoreboard.svg: a bar for each contender, in the colours of either theme. One file, without font, link or script. Pure. */
import { countsOf } from './scoreboard.ts'
import type { Contender, Counts } from './scoreboard.ts'

interface Part {
  readonly name: string
  readonly title: string
  readonly count: (counts: Counts) => number
  /** In the light, and in the dark. */
  readonly paint: readonly [string, string]
}

/** From left to right. */
const PARTS: readonly Part[] = [
  { name: 'held', title: 'held the line', count: ({ held }) => held, paint: ['#2da44e', '#3fb950'] },
  { name: 'unclear', title: 'unclear, passed on', count: ({ unclear }) => unclear, paint: ['#d4a72c', '#e3b341'] },
  { name: 'changed', title: 'wrong fields, or split', count: ({ split, fields }) => split + fields, paint: ['#bc4c00', '#f0883e'] },
  { name: 'elsewhere', title: 'went elsewhere', count: ({ elsewhere }) => elsewhere, paint: ['#cf222e', '#ff7b72'] },
  { name: 'ended', title: 'crashed or hung', count: ({ crashed, hung }) => crashed + hung, paint: ['#8250df', '#bc8cff'] },
  { name: 'none', title: 'not applicable', count: ({ inapplicable }) => inapplicable, paint: ['#d0d7de', '#30363d'] },
]

const LEFT = 150
const BAR = 560
const ROW = 34
const TOP = 58
const WIDTH = LEFT + BAR + 30
/** Narrower than this a number does not fit, in pixels. */
const NARROW = 26

export function picture(contenders: readonly Contender[]): string {
  const tried = contenders.filter(({ results }) => results.length > 0)
  const height = TOP + tried.length * ROW + 14
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${tried.map(told).join('; ')}</title>`,
    `<style>\n${style()}\n</style>`,
    ...legend(),
    ...tried.flatMap(bar),
    '</svg>',
    '',
  ].join('\n')
}

const told = ({ name, results }: Contender): string => `${escaped(name)}: ${PARTS.map(({ title, count }) => `${title} ${count(countsOf(results))}`).join(', ')}`

function bar({ name, results }: Contender, row: number): string[] {
  const counts = countsOf(results)
  const y = TOP + row * ROW
  let x = LEFT
  return [
    `<text x="${LEFT - 12}" y="${y + 16}" text-anchor="end">${escaped(name)}</text>`,
    ...PARTS.flatMap(({ name: part, count }) => {
      const width = count(counts) / results.length * BAR
      if (width === 0) return []
      const drawn = `<rect class="${part}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="24"/>`
      const number = width < NARROW ? '' : `<text class="on-${part}" x="${(x + width / 2).toFixed(1)}" y="${y + 16}" text-anchor="middle">${count(counts)}</text>`
      x += width
      return [drawn, ...number === '' ? [] : [number]]
    }),
  ]
}

/** In two lines. */
const legend = (): string[] => PARTS.flatMap(({ name, title }, at) => {
  const [x, y] = [LEFT + at % 3 * 200, 12 + Math.floor(at / 3) * 20]
  return [`<rect class="${name}" x="${x}" y="${y}" width="11" height="11"/>`, `<text class="small" x="${x + 17}" y="${y + 10}">${title}</text>`]
})

function style(): string {
  const fills = (theme: 0 | 1): string => PARTS.map(({ name, paint }) => `.${name} { fill: ${paint[theme]} }`).join(' ')
  return [
    'text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }',
    '.small { font-size: 12px }',
    `${fills(0)} .on-held, .on-changed, .on-elsewhere, .on-ended { fill: #ffffff }`,
    `@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } ${fills(1)} .on-held, .on-unclear, .on-changed, .on-elsewhere, .on-ended { fill: #0d1117 } }`,
  ].join('\n')
}

const escaped = (text: string): string => text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
