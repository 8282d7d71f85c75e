/**
 * A process that writes a log and ends as it is told. Arguments: the log, and
 * `throw`, `exit`, `hold` (says so and stays) or `flood` (writes without end).
 */
import { createAudit } from '../../../dist/lib/audit/record.js'
import { systemClock } from '../../../dist/lib/model/clock.js'
import { OperatorError } from '../../../dist/lib/model/errors.js'

const [file = '', end = ''] = process.argv.slice(2)

const say = line => { process.stdout.write(`${line}\n`) }

try {
  const audit = await createAudit({ sinks: file, clock: systemClock, policy: () => ({ name: null, hash: '', generation: 1 }) })
  audit.begin('open-flow', { host: 'a.test', path: '/?a=b', action: 'hold' }).open()
  audit.begin('closed-flow', { host: 'a.test' }).close()
  if (end === 'throw') throw new Error('as told')
  if (end === 'exit') process.exit(0)
  setImmediate(() => {
    say('written')
    if (end === 'flood') flood()
  })
  setInterval(() => {}, 1_000)

  function flood() {
    for (let i = 0; i < 200; i++) audit.begin(`flood-${i}`, { path: `/${'x'.repeat(i * 40)}` }).close()
    setImmediate(flood)
  }
} catch (error) {
  if (!(error instanceof OperatorError)) throw error
  say(error.code)
}
