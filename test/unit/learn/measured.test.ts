/** The small form of `npm run bench:suggest`: what is learned from a few requests fits the APIs that they were for. */
import t from 'tap'
import { gitea, github, hasDescriptions } from '../../../bench/suggest/endpoints.ts'
import { createRandom, fill } from '../../../bench/suggest/fill.ts'
import { RECALL, isMet, measure } from '../../../bench/suggest/measure.ts'
import { generalise } from '../../../lib/learn/generalise.ts'
import { describeRequest } from '../../../lib/normalize/offline.ts'

const options = hasDescriptions() || process.env['CI'] !== undefined ? {} : { skip: 'the descriptions are not installed: npm install' }

for (const [name, describe] of [['GitHub', github], ['Gitea', gitea]] as const) {
  t.test(`${name}: recall of at least ${RECALL} from five requests an endpoint, and next to no leakage`, options, async t => {
    const api = describe()
    t.ok(api.endpoints.length > 400, 'its endpoints were found')
    for (const samples of [5, 1]) {
      const rounds = [1, 2, 3].map(seed => measure(api, { endpoints: 100, samples, seed }))
      const mean = (of: (round: (typeof rounds)[number]) => number): number => rounds.reduce((sum, round) => sum + of(round), 0) / rounds.length
      const result = { recall: mean(round => round.recall), leakage: mean(round => round.leakage), floor: mean(round => round.floor) }
      t.ok(isMet(result, samples), `${samples} each: ${JSON.stringify(result)}`)
    }
  })
}

t.test('thousands of requests give the same rules in any order', options, async t => {
  const random = createRandom(1)
  const all = github().endpoints.slice(0, 100).flatMap(({ method, template }) => Array.from({ length: 40 }, () => {
    const described = describeRequest({ method, url: `https://api.example.com${fill(template, random)}` })
    if (described.kind === 'refused') throw new Error(described.reason)
    return { facts: described.facts, requests: 1 }
  }))
  t.same(generalise([...all].reverse()), generalise(all))
})
