/**
 * An unlisted host with a public address: the case that the firewall is for. Nothing in the policy opens an address
 * here, so what goes through does so because somebody said yes.
 */
import t from 'tap'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PolicyDocument } from '../../lib/index.ts'
import { SCHEMES, bareEnvironment, clientEnvironment, openFolder, run, runWell } from '../helpers/clients.ts'
import type { Ran } from '../helpers/clients.ts'
import { openHouse } from '../helpers/house.ts'
import { hasNamespaces, startPublicOrigin } from '../helpers/public-origin.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/bin/sallyport.js', import.meta.url))
const options = hasNamespaces() || process.env['CI'] !== undefined ? {} : { skip: 'a network namespace needs root' }

t.test('an unlisted host at a public address', options, async t => {
  for (const scheme of SCHEMES) {
    t.test(`${scheme}: waits, goes on when it is approved once, waits again, and never again after --always`, async t => {
      const origin = await startPublicOrigin(t, scheme)
      const home = openFolder(t)
      const policy = join(home, 'policy.json')
      const control = join(home, 'control.sock')
      writeFileSync(policy, JSON.stringify({ version: 1, unmatched: 'hold', rules: [] } satisfies PolicyDocument))
      const house = await openHouse(t, policy, { control, lookup: async () => [origin.address] })
      const env = clientEnvironment(house.firewall, home)
      const get = (): Promise<Ran> => run(['curl', '-sS', '--fail-with-body', `${scheme}://other.example:${origin.port}/x`], { env })
      const approve = (id: string, ...how: string[]): Promise<Ran> => runWell([process.execPath, PROGRAM, 'approve', id, '--control', control, ...how], { env: bareEnvironment(home) })
      const rules = (): PolicyDocument['rules'] => (JSON.parse(readFileSync(policy, 'utf8')) as PolicyDocument).rules

      const first = get()
      const [question] = await house.questions(1)
      t.match(question, { host: 'other.example', port: origin.port, answers: null })
      t.same(house.lookups, [], 'not even its name was looked up')
      await approve(question!.id, '--once')
      t.match(await first, { status: 0, stdout: 'ok\n' })
      t.same(rules(), [], 'once leaves nothing behind')

      const second = get()
      const [again] = await house.questions(1)
      t.match((await approve(again!.id, '--always')).stdout, /written into the policy/)
      t.match(await second, { status: 0, stdout: 'ok\n' })
      t.match(rules(), [{ host: 'other.example', port: origin.port, method: 'GET', path: '/x' }])
      t.equal(rules()?.length, 1)
      t.notHas(rules()?.[0], { private: true })

      t.match(await get(), { status: 0, stdout: 'ok\n' })
      const [, , third] = await house.closings(3)
      t.match(third, { action: 'allow', rule: rules()?.[0]?.id, address: origin.address, status: 200 })
      t.equal(third?.held, null, 'nobody was asked')
    })
  }
})
