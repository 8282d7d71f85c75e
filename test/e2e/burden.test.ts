/**
 * What whole tasks cost the operator: the small form of `npm run bench:burden`, and the news digest from an empty policy to
 * one under which it asks nothing.
 */
import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isMet, measure } from '../../bench/burden/measure.ts'
import { replay } from '../../bench/burden/replay.ts'
import type { Replayed } from '../../bench/burden/replay.ts'
import { hostsOf, readTrace, traceNames } from '../../bench/burden/trace.ts'
import type { PolicyDocument } from '../../lib/index.ts'
import { certificateFor } from '../helpers/certificates.ts'
import { bareEnvironment, openFolder, runWell } from '../helpers/clients.ts'
import { openHouse } from '../helpers/house.ts'
import { hasNamespaces, startPublicOrigin } from '../helpers/public-origin.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/bin/sallyport.js', import.meta.url))
const options = hasNamespaces() || process.env['CI'] !== undefined ? {} : { skip: 'a network namespace needs root' }

t.test('a whole task is asked about once for each of its services, and nothing of it fails', async t => {
  const traces = traceNames().filter(name => name !== 'crawl' && name !== 'news-digest').map(readTrace)
  t.equal(traces.length, 4)
  for (const result of await measure(traces, { dir: openFolder(t), thinkMs: 0 })) {
    t.ok(isMet(result, false), JSON.stringify(result))
    t.ok(result.oneByOne.failed >= result.services && result.oneByOne.prompts > 0, 'denied at once, the same task fails')
  }
})

t.test('the news digest, from an empty policy to its end with one answer for each service, and then with none', options, async t => {
  const trace = readTrace('news-digest')
  const certificate = certificateFor(...hostsOf(trace))
  const origin = await startPublicOrigin(t, 'https', certificate)
  const home = openFolder(t)
  const [audit, policy, learned] = ['audit.jsonl', 'policy.json', 'learned.json'].map(name => join(home, name)) as [string, string, string]
  writeFileSync(policy, JSON.stringify({ version: 1 } satisfies PolicyDocument))

  const run = async (file: string, log: string): Promise<Replayed> => {
    const house = await openHouse(t, file, { audit: log, lookup: async () => [origin.address], upstreamCa: [certificate.file] })
    const result = await replay(trace, { firewall: house.firewall, url: house.url, ca: house.ca, port: origin.port, thinkMs: 0, records: () => house.records })
    await house.firewall.close()
    return result
  }
  const first = await run(policy, audit)
  t.match(first, { requests: 308, failed: 0, prompts: 0, questions: 2 })
  t.same(first.answers.map(({ service }) => service), ['news API', 'chat'])

  const { stdout } = await runWell([process.execPath, PROGRAM, 'suggest', audit], { env: bareEnvironment(home) })
  writeFileSync(learned, stdout)
  t.match(JSON.parse(stdout), { unmatched: 'hold', rules: [
    { host: 'api.news.test', method: 'GET', path: ['/v0/item/*.json', /^\/v0\//] },
    { host: 'hooks.chat.test', method: 'POST', path: '/services/T04QX7/B05MLK2/digest' },
  ] })
  t.match(await run(learned, join(home, 'again.jsonl')), { requests: 308, failed: 0, prompts: 0, questions: 0, held: 0 })
  t.equal(JSON.parse(readFileSync(policy, 'utf8')).rules, undefined, 'the empty policy is as it was')
})
