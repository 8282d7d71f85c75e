/**
 * Times the built matchers in a process that nothing instruments: run by unit/decide/matchers.test.ts.
 * In: { kind, patterns, targets } as JSON on standard input. Out: the slowest time of each pattern in milliseconds.
 */
import { compileHostPattern, compilePathPattern, compileValuePattern } from '../../dist/lib/decide/patterns.js'

const compile = { host: compileHostPattern, path: compilePathPattern, value: compileValuePattern }
let text = ''
for await (const chunk of process.stdin) text += chunk
const { kind, patterns, targets } = JSON.parse(text)
process.stdout.write(JSON.stringify(patterns.map(pattern => {
  const matches = compile[kind](pattern)
  return Math.max(...targets.map(target => least(() => matches(target))))
})))

/** The least of several runs: what the machine does besides is not the matcher's. A busy one gets more tries. */
function least(run) {
  let ms = Infinity
  for (let n = 0; n < 5 || (ms >= 1 && n < 2_000); n++) {
    const from = process.hrtime.bigint()
    run()
    ms = Math.min(ms, Number(process.hrtime.bigint() - from) / 1e6)
  }
  return ms
}
