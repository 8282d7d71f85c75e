/** Run by store.test.ts: opens the store of a folder as soon as stdin says so, and prints its fingerprint. */
import { systemClock } from '../../../dist/lib/model/clock.js'
import { openStore } from '../../../dist/lib/tls/store.js'

process.stdout.write('ready\n')
process.stdin.once('data', () => {
  openStore(process.argv[2] ?? '', { clock: systemClock }).then(
    store => process.stdout.write(`${store.fingerprint}\n`),
    error => process.stdout.write(`${error.message}\n`),
  ).finally(() => process.exit(0))
})
