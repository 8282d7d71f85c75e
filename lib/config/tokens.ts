/**
 * The tokens by which clients are let in and told apart: a file of lines `name:token`.
 */
import { readFile } from 'node:fs/promises'
import { OperatorError } from '../model/errors.ts'

export interface ClientToken {
  readonly name: string
  readonly token: string
}

/** A name that can stand in a question and a log line, and can't be taken for an address. */
const NAME = /^[A-Za-z][A-Za-z0-9_.-]{0,63}$/
/** Printable ASCII, so that it means the same in every client's Basic credentials. Short ones could be guessed. */
const TOKEN = /^[\x21-\x7e]{16,256}$/
const OPTION = '--client-token-file'

/**
 * @param source  a file, or the pairs themselves
 * @throws OperatorError naming the line, never the token
 */
export async function loadTokens(source: string | readonly ClientToken[]): Promise<readonly ClientToken[]> {
  const tokens = typeof source === 'string' ? parseLines(await readTokens(source)) : source
  const names = new Set<string>()
  tokens.forEach(({ name, token }, index) => {
    if (!NAME.test(name)) fail(`entry ${index + 1} has no name of letters, digits, "_", "." and "-" that begins with a letter`, 'Write one "name:token" a line.')
    if (!TOKEN.test(token)) fail(`the token of "${name}" is not 16 to 256 printable characters`, 'Make one with `openssl rand -hex 32`.')
    if (names.has(name)) fail(`"${name}" stands there twice`, 'Give every client a name of its own.')
    names.add(name)
  })
  if (typeof source === 'string' && tokens.length === 0) fail(`${source} holds no token`, 'Write one "name:token" a line.')
  return tokens
}

async function readTokens(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new OperatorError('E_OPTION_INVALID', { option: OPTION, problem: `${file} cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`, fix: 'Name a file of lines "name:token" that you can read.' }, error)
  }
}

function parseLines(text: string): ClientToken[] {
  return text.split('\n')
    .map(line => line.replace(/\r$/, ''))
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const colon = line.indexOf(':')
      return { name: colon < 0 ? '' : line.slice(0, colon), token: line.slice(colon + 1) }
    })
}

function fail(problem: string, fix: string): never {
  throw new OperatorError('E_OPTION_INVALID', { option: OPTION, problem, fix })
}
