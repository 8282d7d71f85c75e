/**
 * `npm run bench:suggest`: how well rules learned from a few requests fit the APIs that the requests were for.
 *
 * Goals: recall of 0.95 and more from 5 requests an endpoint, leakage of 0.01 and less. Where the API itself leaks more
 * than that (the floor), no more than the floor. From one or two requests an endpoint, the log of a first hour, recall is
 * what it can be, and the goal for leakage stands.
 *
 *   npm run bench:suggest -- --seed 7               another draw
 *   npm run bench:suggest -- --why                  and what was missed and leaked
 *   npm run bench:suggest -- endpoints.txt          an API of one's own: lines of "GET /a/{b}"
 */
import { gitea, github, listed } from './endpoints.ts'
import type { Api } from './endpoints.ts'
import { LEAKAGE, RECALL, isMet, measure } from './measure.ts'
import { layOut } from '../table.ts'

const args = process.argv.slice(2)
const at = args.indexOf('--seed')
const seed = at === -1 ? 1 : Number(args.splice(at, 2)[1])
const tellsWhy = args.includes('--why')
const files = args.filter(arg => !arg.startsWith('--'))
const apis: readonly Api[] = files.length > 0 ? files.map(listed) : [github(), gitea()]
const ROUNDS = 5

let missed = 0
const rows: string[][] = [['API', 'endpoints sampled', 'requests each', `recall (≥ ${RECALL} from 5)`, `leakage (≤ ${LEAKAGE})`, 'floor', 'patterns', '']]
for (const api of apis) for (const samples of [5, 2, 1]) for (const endpoints of [20, Math.round(api.endpoints.length / 10), Math.round(api.endpoints.length / 4)]) {
  const rounds = Array.from({ length: ROUNDS }, (_, round) => measure(api, { endpoints, samples, seed: seed + round }))
  const mean = (of: (round: (typeof rounds)[number]) => number): number => rounds.reduce((sum, round) => sum + of(round), 0) / ROUNDS
  const result = { recall: mean(round => round.recall), leakage: mean(round => round.leakage), floor: mean(round => round.floor) }
  const met = isMet(result, samples)
  if (!met) missed++
  rows.push([api.name, `${endpoints} of ${api.endpoints.length}`, String(samples), result.recall.toFixed(3), result.leakage.toFixed(4), result.floor.toFixed(4), String(Math.round(mean(round => round.patterns))), met ? 'met' : 'MISSED'])
  if (tellsWhy) for (const line of rounds[0]!.missed.map(line => `  missed ${line}`).concat(rounds[0]!.leaked.map(line => `  leaked ${line}`))) process.stderr.write(`${line}\n`)
}
process.stdout.write(`\nSeed ${seed}, means of ${ROUNDS} rounds.\n\n${layOut(rows)}\n`)
process.exitCode = missed === 0 ? 0 : 1
