/** The grammar of patterns as it is written down, with no thought of time: the oracle of our matchers. */

export function naive(pattern: readonly string[], pieces: readonly string[]): boolean {
  const [first, ...rest] = pattern
  if (first === undefined) return pieces.length === 0
  if (first === '**') return naive(rest, pieces) || (pieces.length > 0 && naive(pattern, pieces.slice(1)))
  return pieces.length > 0 && naivePiece(first, pieces[0]!) && naive(rest, pieces.slice(1))
}

export function naiveHost(pattern: string, host: string): boolean {
  return naive(pattern.split('.').flatMap(label => label === '**' ? ['*', '**'] : label), host.split('.'))
}

export function naivePath(pattern: string, path: string): boolean {
  return path.startsWith('/') && naive(pattern.slice(1).split('/'), path.slice(1).split('/'))
}

/** A star is never escaped in a value: `%2A` is three characters there. */
export function naiveValue(pattern: string, value: string): boolean {
  return pattern === '*' ? value !== '' : naiveRun(pattern.replaceAll('%', '\u0001'), value.replaceAll('%', '\u0001'))
}

function naivePiece(pattern: string, piece: string): boolean {
  return pattern === '*' ? piece !== '' : naiveRun(pattern, piece)
}

function naiveRun(pattern: string, text: string): boolean {
  if (pattern === '') return text === ''
  if (pattern[0] === '*') return naiveRun(pattern.slice(1), text) || (text !== '' && naiveRun(pattern, text.slice(1)))
  const literal = pattern.startsWith('%2A') ? '*' : pattern[0]!
  return text.startsWith(literal) && naiveRun(pattern.slice(pattern.startsWith('%2A') ? 3 : 1), text.slice(1))
}
