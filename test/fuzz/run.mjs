/**
 * `npm run fuzz -- [--forever] [--minutes N]`: the tests of this folder again and again, each round with another seed and ten
 * times the cases. Ends with the first round that finds something; what was found is then in corpus/, to be mended and kept.
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'

const { values } = parseArgs({ options: { forever: { type: 'boolean' }, minutes: { type: 'string' } } })
const minutes = values.forever === true ? Infinity : Number(values.minutes ?? 1)
if (Number.isNaN(minutes)) throw new Error(`--minutes takes a number, and "${values.minutes}" is none`)
const end = Date.now() + minutes * 60_000

for (let round = 1; ; round++) {
  const seed = process.env.SEED ?? String(Math.floor(Math.random() * 2 ** 31))
  const { status } = spawnSync('npx', ['tap', 'run', '--disable-coverage', '--timeout=3600', 'test/fuzz.test.ts'], {
    stdio: 'inherit', env: { FUZZ_CASES: '10', FUZZ_KEEP: '1', ...process.env, SEED: seed },
  })
  console.log(`round ${round}: SEED=${seed} ${status === 0 ? 'found nothing' : 'failed'}`)
  if (status !== 0) process.exit(1)
  if (Date.now() >= end || process.env.SEED !== undefined) break
}
