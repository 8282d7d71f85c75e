/** An address that the operator names for questions to be sent to: `https:`, or `http:` on this machine, and without credentials in it. */
import { visible } from '../model/display.ts'
import { OperatorError } from '../model/errors.ts'

/**
 * @param option as the operator knows it, for the error
 * @throws OperatorError E_OPTION_INVALID
 */
export function readAddress(text: string, option: string): URL {
  const refuse = (problem: string, fix: string): never => { throw new OperatorError('E_OPTION_INVALID', { option, problem, fix }) }
  const url = URL.canParse(text) ? new URL(text) : refuse(`"${visible(text, MAX_SHOWN)}" is no URL`, 'Write it whole, with its scheme.')
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK.test(url.hostname))) refuse('questions would leave this machine in the clear', 'Name an https: URL, or an http: one on a loopback address.')
  if (url.username !== '' || url.password !== '') refuse('the URL holds credentials', 'Take them out: a secret has a place of its own.')
  return url
}

const LOOPBACK = /^(?:127(?:\.\d+){3}|\[::1\]|localhost)$/
const MAX_SHOWN = 200
