/**
 * docs/demo.svg, the picture of the README: what `sallyport demo --yes` prints, as a terminal that plays it.
 *
 * The text is the program's own: test/e2e/picture.test.ts runs it and compares, and draws the picture anew with
 * WRITE_DOCS=1. Only what differs from run to run is made the same. One file, without font, link or script; where
 * nothing may move, and where styles are not understood, its last frame is what is seen.
 */

/** Ports, times, ids and durations as the picture has them. */
export function steady(output: string): string {
  return output.trimEnd().split('\n').map((line, row) => line
    .replace(/127\.0\.0\.1:\d+/, '127.0.0.1:8080')
    .replace(/\.example:\d+/, '.example:8443')
    .replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, `2026-01-01T12:00:${row}.000Z`)
    .replace(/flow [0-9a-f]+-/, 'flow 4a5bc64655-')
    .replace(/after [\d.]+ s/, 'after 1.5 s')
    .replace(/ {2}\d+ ms/, line.includes('  held ') ? '  1520 ms' : line.includes('  deny ') ? '  1 ms' : '  30 ms')
    .replace(/held \d+ ms/, 'held 1510 ms')
    .replace(/\d+ records/, '6 records')).join('\n')
}

/** Characters of a line; what is longer goes on below. */
const COLUMNS = 104
const CHARACTER = 7.8
const LINE = 21
const LEFT = 30
const TOP = 74
const WIDTH = Math.ceil(2 * LEFT + COLUMNS * CHARACTER)
/** Seconds for which the picture waits. */
const WAIT = 2.8
const PROMPT = '$ npx sallyport demo --yes'
/** Length of the film, in seconds, of which the last part stands still. */
const LOOP = 18

const PAPER = '#0d1117'
const PAINT = { text: '#c9d1d9', bright: '#f0f6fc', faint: '#7d8590', green: '#3fb950', red: '#ff7b72', amber: '#e3b341', blue: '#79c0ff' } as const
type Colour = keyof typeof PAINT

/** What is painted other than as text; of two that match, the one that begins first. */
const COLOURS: readonly (readonly [RegExp, Colour])[] = [
  [/^\$/, 'faint'],
  [/^\d\.(?= agent)|agent:/, 'faint'],
  [/(?<=agent: )\S+ \S+|(?<=^\$ ).+/, 'bright'],
  [/^ {3}ok\b|allows it|\ballow\b|approved/, 'green'],
  [/denies it|\bdeny\b|policy_denied/, 'red'],
  [/asks: it waits.*|the question:|held [\d.]+ m?s by \S+/, 'amber'],
  [/rule "[^"]+"|rule [a-z-]+/, 'blue'],
  [/\d{4}-\d\d-\d\dT\S+|^what the audit log says:|client \S+|flow \S+/, 'faint'],
  [/http:\/\/127\S+\d/, 'blue'],
]

const isAnswer = ({ text }: { readonly text: string }): boolean => text.includes('approved after')

interface Run { readonly text: string, readonly column: number, readonly colour: Colour }
interface Shown { readonly text: string, readonly row: number, readonly at: number }

/** @param output  of the demo, made steady */
export function picture(output: string): string {
  const lines = film(output)
  const height = TOP + (lines.at(-1)?.row ?? 0) * LINE + 30
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title">`,
    '<title id="title">A terminal runs sallyport demo: one request is allowed, one is denied, and one waits with its connection open until it is approved.</title>',
    `<style>\n${style(lines)}\n</style>`,
    `<rect x=".5" y=".5" width="${WIDTH - 1}" height="${height - 1}" rx="10" fill="${PAPER}" stroke="#30363d"/>`,
    `<path d="M.5 38.5h${WIDTH - 1}" stroke="#21262d"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map((colour, at) => `<circle cx="${24 + at * 20}" cy="19.5" r="6" fill="${colour}"/>`),
    `<text x="${WIDTH / 2}" y="24" text-anchor="middle" class="faint">sallyport demo</text>`,
    ...steps(lines).map(bar),
    ...lines.map(({ text, row, at }) => `<g class="t${name(at)}">${runs(text).map(run => drawn(run, row)).join('')}</g>`),
    drawnCursors(lines),
    '</svg>',
    '',
  ].join('\n')
}

/** The lines, each with its row and the second at which it appears. */
function film(output: string): readonly Shown[] {
  let at = 1.5
  let row = 2
  const rest = output.split('\n').flatMap(line => {
    at = round(at + pause(line))
    return wrapped(line).map(text => ({ text, row: row++, at }))
  })
  return [{ text: PROMPT, row: 0, at: 0.2 }, ...rest].filter(({ text }) => text !== '')
}

/** Folded where two spaces stand between columns, to go on below the second column. */
function wrapped(line: string): readonly string[] {
  if (line.length <= COLUMNS) return [line]
  const end = line.lastIndexOf('  ', COLUMNS)
  return [line.slice(0, end), `${' '.repeat(line.indexOf('Z  ') + 3)}${line.slice(end).trimStart()}`]
}

/** Seconds before a line: so slow that it can be read. */
function pause(line: string): number {
  if (line === '') return 0
  if (/^\d\. |^what/.test(line)) return 0.9
  if (isAnswer({ text: line })) return WAIT
  return /^ {3}20/.test(line) ? 0.2 : 0.35
}

/** Each step of the demo is one bar at its left; the one that waits is amber until it ends. */
function steps(lines: readonly Shown[]): readonly { readonly first: Shown, readonly last: Shown }[] {
  return lines.flatMap((first, at) => {
    if (!/^\d\. /.test(first.text)) return []
    const last = lines.slice(at).find(({ text }) => /^ {3}(?:ok|FAILED)/.test(text)) ?? first
    return [{ first, last }]
  })
}

function bar({ first, last }: ReturnType<typeof steps>[number]): string {
  const place = `x="${LEFT - 14}" y="${TOP + first.row * LINE - 13}" width="3" height="${(last.row - first.row) * LINE + 17}" rx="1.5"`
  const waits = `<rect class="t${name(first.at)}" ${place} fill="${PAINT.amber}"/>`
  return `${waits}<rect class="t${name(last.at)}" ${place} fill="${first.text.includes('denies') ? '#f85149' : PAINT.green}"/>`
}

function runs(text: string): readonly Run[] {
  const found: Run[] = []
  for (let column = 0; column < text.length;) {
    const matches = COLOURS.flatMap(([pattern, colour]) => {
      const match = new RegExp(pattern.source, 'g')
      match.lastIndex = column
      const hit = match.exec(text)
      return hit === null ? [] : [{ text: hit[0], column: hit.index, colour }]
    })
    const next = matches.reduce<Run>((first, match) => match.column < first.column ? match : first, { text: '', column: text.length, colour: 'text' })
    if (next.column > column) found.push({ text: text.slice(column, next.column), column, colour: 'text' })
    if (next.text !== '') found.push(next)
    column = next.column + Math.max(next.text.length, 1)
  }
  return found.filter(run => run.text.trim() !== '')
}

/** With a length of its own, so that every font keeps the columns. */
function drawn({ text, column, colour }: Run, row: number): string {
  const start = column + text.length - text.trimStart().length
  const trimmed = text.trim()
  const x = round(LEFT + start * CHARACTER)
  const shown = trimmed.replace(/ {2,}/g, spaces => '\u00a0'.repeat(spaces.length)).replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x}" y="${TOP + row * LINE}" textLength="${round(trimmed.length * CHARACTER)}"${colour === 'text' ? '' : ` class="${colour}"`}>${shown}</text>`
}

/** What hides the command until it is typed, and the cursor that blinks while the request waits. Neither is in the last frame. */
function drawnCursors(lines: readonly Shown[]): string {
  const answer = lines.find(isAnswer)
  const typing = `<rect class="typing" x="${LEFT + 2 * CHARACTER}" y="${TOP - 13}" width="${round((PROMPT.length - 2) * CHARACTER)}" height="18" fill="${PAPER}" opacity="0"/>`
  return answer === undefined ? typing : `${typing}<rect class="waiting" x="${round(LEFT + 3 * CHARACTER)}" y="${TOP + answer.row * LINE - 12}" width="8" height="16" fill="${PAINT.amber}" opacity="0"/>`
}

function style(lines: readonly Shown[]): string {
  const answered = lines.find(isAnswer)?.at ?? 0
  const blinks = Array.from({ length: 5 }, (_, blink) => answered - WAIT + 0.2 + blink * WAIT / 5.5)
  return [
    `text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; fill: ${PAINT.text} }`,
    ...Object.entries(PAINT).filter(([name]) => name !== 'text').map(([name, colour]) => `.${name} { fill: ${colour} }`),
    '.bright { font-weight: 600 }',
    '@media (prefers-reduced-motion: no-preference) {',
    ...[...new Set(lines.map(({ at }) => at))].flatMap(at => [
      `  .t${name(at)} { animation: t${name(at)} ${LOOP}s infinite }`,
      `  @keyframes t${name(at)} { 0%, ${percent(at)} { opacity: 0 } ${percent(at + 0.12)}, 98% { opacity: 1 } 100% { opacity: 0 } }`,
    ]),
    `  .typing { transform-box: fill-box; transform-origin: right; animation: typing ${LOOP}s infinite }`,
    `  @keyframes typing { 0%, ${percent(0.5)} { opacity: 1; transform: none; animation-timing-function: steps(${PROMPT.length - 2}) } ${percent(1.6)}, 100% { opacity: 1; transform: scaleX(0) } }`,
    `  .waiting { animation: waiting ${LOOP}s step-end infinite }`,
    `  @keyframes waiting { ${blinks.map(at => `${percent(at)} { opacity: 1 } ${percent(at + WAIT / 11)} { opacity: 0 }`).join(' ')} }`,
    '}',
  ].join('\n')
}

const name = (at: number): string => String(Math.round(at * 100))
const percent = (at: number): string => `${round(at / LOOP * 100)}%`
const round = (value: number): number => Math.round(value * 100) / 100
