/**
 * `npm run bench:burden`: what whole tasks cost the operator who is asked, and the agent that waits.
 *
 * Each trace is replayed against the real firewall, from a policy that asks about everything, with a scripted operator who
 * gives one answer to a question. Goals: at most one question for each service of a task, no request that fails, and 20 ms
 * at the median from the answer to the first byte. The exit status is 1 where one is missed.
 *
 *   npm run bench:burden -- news-digest crawl       only these
 *   npm run bench:burden -- --think 8000            how long the operator thinks, in milliseconds
 *   npm run bench:burden -- --json                  for programs
 *   npm run bench:burden -- --short                 the operator does not think, and the time to the first byte is not judged
 *   npm run bench:burden -- --why                   and every answer that was given
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FIRST_BYTE_MS, isMet, measure } from './measure.ts'
import { readTrace, traceNames } from './trace.ts'
import { layOut } from '../table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false }, short: { type: 'boolean', default: false }, why: { type: 'boolean', default: false }, think: { type: 'string', default: '250' } },
})
const names = positionals.length > 0 ? positionals : traceNames()
const thinkMs = values.short ? 0 : Number(values.think)
const dir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'))
process.on('exit', () => rmSync(dir, { recursive: true, force: true }))

const results = await measure(names.map(readTrace), { dir, thinkMs, said: task => process.stderr.write(`bench: ${task}\n`) })
const judged = results.map(result => ({ ...result, isMet: isMet(result, !values.short) }))
if (values.json) process.stdout.write(`${JSON.stringify({ node: process.version, thinkMs, firstByteGoalMs: FIRST_BYTE_MS, tasks: judged }, null, 2)}\n`)
else {
  const rows = judged.map(({ task, requests, services, questions, held, heldSeconds, answerToFirstByteMs, answerToLastRequestMs, prompts, failed, oneByOne, isMet }) => [
    task, String(requests), String(services), String(questions), String(held), heldSeconds.toFixed(1), ms(answerToFirstByteMs), ms(answerToLastRequestMs),
    String(failed), String(prompts), `${oneByOne.questions}, ${oneByOne.failed}, ${oneByOne.prompts}`, isMet ? 'met' : 'MISSED',
  ])
  process.stdout.write(`\nThe operator thinks for ${thinkMs} ms. Last column but one: where each host and port is asked about by itself, and denied at once.\n\n`)
  process.stdout.write(`${layOut([['task', 'requests', 'services', 'questions', 'held', 'seconds held', 'answer to first byte', 'of the last request', 'failed', 're-prompts', 'one by one: questions, failed, re-prompts', ''], ...rows])}\n`)
}
if (values.why) for (const { task, answers } of judged) process.stderr.write(`\n${task}\n${answers.map(({ service, says }) => `  ${service}: ${says}`).join('\n')}\n`)
process.exitCode = judged.every(({ isMet }) => isMet) ? 0 : 1

function ms(value: number | null): string {
  return value === null ? '' : `${value.toFixed(1)} ms`
}
