import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

const whyNot = ((): string | false => {
  try {
    execFileSync('python3', ['-c', 'import pty'], { stdio: 'ignore' })
    return false
  } catch {
    return 'python3 is not installed'
  }
})()

/** @param steps  [text to wait for, keys to type then] */
const drive = (steps: readonly (readonly [string, string])[]): Promise<{ seen: string, cooked: boolean, status: number }> =>
  new Promise((done, fail) => {
    const program = [process.execPath, ...process.execArgv, here('../../helpers/asks-in-terminal.ts')]
    execFile('python3', [here('../../helpers/drive-pty.py'), JSON.stringify(steps), ...program], { maxBuffer: 2 ** 24 }, (error, stdout) => {
      if (error !== null) fail(error)
      else done(JSON.parse(stdout))
    })
  })

t.test('in a real terminal, questions are answered and the terminal is left as it was', { skip: whyNot }, async t => {
  const { seen, cooked, status } = await drive([['question q1', 'a'], ['<q1:', ''], ['question q2', 'r'], ['<done>', '']])
  t.match(seen, '<q1: {"verdict":"approve","grant":"once"}>')
  t.match(seen, '<q2: {"verdict":"deny"}>')
  // While a question is shown: once it is answered the terminal is the user's again, echo and all.
  t.notMatch(seen.split('help')[1]?.split('You said')[0], /^a/m, 'keys are not echoed')
  t.ok(cooked)
  t.equal(status, 0, 'a closed door does not keep the program alive')
})

t.test('Ctrl-C ends a program that does nothing about it', { skip: whyNot }, async t => {
  const { status } = await drive([['question q1', '\x03'], ['<never>', '']])
  t.equal(status & 0x7f, 2, 'ended by SIGINT')
})
