/**
 * docs/term.svg, a picture of `sallyport term`: what a real terminal shows, colours and all.
 *
 * test/e2e/term.test.ts captures the screen from tmux and compares; with WRITE_DOCS=1 it draws the picture anew. Only what differs
 * from run to run is made the same. One file, without font, link or script.
 */

const PORT = ':18443'

/** A captured screen whose ports and times are those of the picture. Columns stay where they are. */
export function steady(screen: string): string {
  const lines = screen.trimEnd().split('\n').map(line => line
    .replace(/:\d{5}(?!\d)/g, PORT)
    .replace(/port \d{5}/g, `port ${PORT.slice(1)}`)
    .replace(/(?<= )\d+ s(?![a-z])/g, seconds => '4 s'.padStart(seconds.length))
    .replace(/for +4 s/g, 'for 4 s')
    .replace(/(?<= )[34]:\d\d(?!\d)/g, '3:56'))
  // Who asks is looked for in a tenth of a second, and found more often than not: too seldom for a picture.
  const kept = lines.filter(line => !/^(?:\x1b\[[\d;]*m)* ?process /.test(line))
  return [...kept.slice(0, -1), ...Array.from({ length: lines.length - kept.length }, () => ''), ...kept.slice(-1)].join('\n')
}

const CHARACTER = 7.8
const LINE = 18
const LEFT = 22
const TOP = 62
const PAPER = '#0d1117'
const TEXT = '#c9d1d9'
const COLOURS: Readonly<Record<string, string>> = { 31: '#ff7b72', 32: '#3fb950', 33: '#e3b341', 36: '#79c0ff' }

interface Look {
  readonly colour: string
  readonly isBold: boolean
  readonly isFaint: boolean
  readonly isInverse: boolean
}

const PLAIN: Look = { colour: TEXT, isBold: false, isFaint: false, isInverse: false }

/** @param screen  as `tmux capture-pane -e -p` prints it, made steady */
export function picture(screen: string, { columns, title }: { readonly columns: number, readonly title: string }): string {
  const lines = screen.trimEnd().split('\n')
  const width = Math.ceil(2 * LEFT + columns * CHARACTER)
  const height = TOP + lines.length * LINE + 8
  let look = PLAIN
  const drawn = lines.map((line, row) => {
    let column = 0
    return line.split(/(\x1b\[[\d;]*m)/).map(piece => {
      const codes = /^\x1b\[([\d;]*)m$/.exec(piece)?.[1]
      if (codes !== undefined) {
        look = codes.split(';').reduce(changed, look)
        return ''
      }
      const at = column
      column += piece.length
      return run(piece, at, row, look)
    }).join('')
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">`,
    `<title id="title">${escaped(title)}</title>`,
    `<style>text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", "DejaVu Sans Mono", monospace; fill: ${TEXT} }</style>`,
    `<rect x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="10" fill="${PAPER}" stroke="#30363d"/>`,
    `<path d="M.5 34.5h${width - 1}" stroke="#21262d"/>`,
    ...['#ff5f57', '#febc2e', '#28c840'].map((colour, at) => `<circle cx="${22 + at * 20}" cy="17.5" r="6" fill="${colour}"/>`),
    `<text x="${width / 2}" y="22" text-anchor="middle" opacity=".6">sallyport term</text>`,
    ...drawn.filter(line => line !== ''),
    '</svg>',
    '',
  ].join('\n')
}

/** What one code of an SGR sequence does (ECMA-48 §8.3.117), of those that the program uses. */
function changed(look: Look, code: string): Look {
  switch (code) {
    case '': case '0': return PLAIN
    case '1': return { ...look, isBold: true }
    case '2': return { ...look, isFaint: true }
    case '7': return { ...look, isInverse: true }
    case '22': return { ...look, isBold: false, isFaint: false }
    case '27': return { ...look, isInverse: false }
    case '39': return { ...look, colour: TEXT }
    default: return { ...look, colour: COLOURS[code] ?? look.colour }
  }
}

/** With a length of its own, so that every font keeps the columns; lines of a box are drawn, for fonts leave gaps in them. */
function run(text: string, column: number, row: number, { colour, isBold, isFaint, isInverse }: Look): string {
  const x = round(LEFT + column * CHARACTER)
  const y = TOP + row * LINE
  const length = round(text.length * CHARACTER)
  if (/^─+$/.test(text)) return `<path d="M${x} ${y - 4.5}h${length}" stroke="${colour}"${isFaint ? ' opacity=".45"' : ''}/>`
  const back = isInverse ? `<rect x="${x}" y="${y - 13}" width="${length}" height="${LINE}" fill="${colour}"/>` : ''
  if (text.trim() === '') return back
  const start = text.length - text.trimStart().length
  const words = text.trim()
  const styles = [isInverse ? `fill:${PAPER}` : colour === TEXT ? '' : `fill:${colour}`, isBold ? 'font-weight:600' : '', isFaint ? 'opacity:.6' : ''].filter(Boolean).join(';')
  const style = styles === '' ? '' : ` style="${styles}"`
  return `${back}<text x="${round(x + start * CHARACTER)}" y="${y}" textLength="${round(words.length * CHARACTER)}"${style}>${escaped(words).replace(/ {2,}/g, spaces => '\u00a0'.repeat(spaces.length))}</text>`
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
const round = (value: number): number => Math.round(value * 100) / 100
