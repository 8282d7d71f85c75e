/** npm install from a registry, of a package and the scoped one that it needs: allowed, denied, and held until somebody approves. */
import t from 'tap'
import type { Test } from 'tap'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SCHEMES, approveOnce, clientEnvironment, needing, openFolder, run, threeDoors } from '../helpers/clients.ts'
import type { Ran, Scheme } from '../helpers/clients.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { packPackages, startRegistry } from '../helpers/npm-registry.ts'
import type { Origin } from '../helpers/origin.ts'

interface Install {
  readonly running: Promise<Ran>
  readonly house: House
  readonly origin: Origin
  /** Where it installs to. */
  readonly folder: string
}

t.test('npm', needing('npm', ['npm', '--version']), async t => {
  const packages = await packPackages(t)

  async function install(t: Test, scheme: Scheme, host: string): Promise<Install> {
    const origin = await startRegistry(t, scheme, packages)
    const house = await openHouse(t, threeDoors(origin.port))
    const folder = openFolder(t)
    writeFileSync(join(folder, 'package.json'), '{}')
    // Audit, funding and its own updates are requests of npm's own accord, and no part of installing.
    const command = ['npm', 'install', 'plain', '--registry', `${scheme}://${host}:${origin.port}/`, '--no-audit', '--no-fund', '--no-update-notifier']
    return { running: run(command, { env: clientEnvironment(house.firewall, folder), cwd: folder }), house, origin, folder }
  }

  /** What lies in `node_modules`, and works. */
  const installed = (folder: string): string[] => ['plain', '@house/scoped'].filter(name => {
    const file = join(folder, 'node_modules', name, 'index.js')
    return existsSync(file) && readFileSync(file, 'utf8').includes(name)
  })

  for (const scheme of SCHEMES) {
    t.test(`${scheme}: an install that is allowed brings both packages`, async t => {
      const { running, folder } = await install(t, scheme, 'open.test')
      const ran = await running
      t.equal(ran.status, 0, ran.output)
      t.same(installed(folder), ['plain', '@house/scoped'])
    })

    t.test(`${scheme}: an install that is denied says 403 at once, and the registry hears nothing`, async t => {
      const { running, house, origin, folder } = await install(t, scheme, 'shut.test')
      const ran = await running
      t.not(ran.status, 0)
      t.match(ran.output, /\b403\b/)
      t.equal(house.closed.length, 1, 'npm does not try again')
      t.equal(origin.connections, 0)
      t.same(installed(folder), [])
    })

    t.test(`${scheme}: an install that is held goes on, request by request, as they are approved`, async t => {
      const { running, house, folder } = await install(t, scheme, 'ask.test')
      const { ran, asked } = await approveOnce(house, running)
      t.equal(ran.status, 0, ran.output)
      t.same([...asked].sort(), ['GET /@house%2fscoped', 'GET /@house/scoped/-/1.0.0.tgz', 'GET /plain', 'GET /plain/-/1.0.0.tgz'])
      t.same(installed(folder), ['plain', '@house/scoped'])
    })
  }
})
