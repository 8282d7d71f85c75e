/** What `sallyport pending` prints is what an operator needs: the command it shows settles all questions of a group. */
import t from 'tap'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bareEnvironment, openFolder, run, runWell } from '../helpers/clients.ts'
import type { Ran } from '../helpers/clients.ts'
import { openHouse } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import { openWire } from '../helpers/wire.ts'
import type { Wire } from '../helpers/wire.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/bin/sallyport.js', import.meta.url))

t.test('a group is shown once, approved by the rule that is shown, or denied as a whole', async t => {
  const origin = await startOrigin(t)
  const home = openFolder(t)
  const control = join(home, 'control.sock')
  const house = await openHouse(t, { version: 1, rules: [{ id: 'ask', action: 'hold', host: 'a.test', scheme: 'http', port: origin.port, private: true }] }, { control })
  const send = async (path: string): Promise<Wire> => {
    const wire = await openWire(house.port)
    wire.write(`GET http://a.test:${origin.port}${path} HTTP/1.1\r\nHost: a.test:${origin.port}\r\nConnection: close\r\n\r\n`)
    return wire
  }
  const sallyport = (...args: string[]): Promise<Ran> => runWell([process.execPath, PROGRAM, ...args, '--control', control], { env: bareEnvironment(home) })

  const items = await Promise.all([1, 2, 3, 4, 5].map(n => send(`/o'brien/${n}`)))
  await house.questions(5)
  const { stdout } = await sallyport('pending')
  t.equal(stdout.match(/asks: GET/g)?.length, 1, stdout)
  t.match(stdout, /and 4 more like it; 5 requests wait in all/)
  const command = /^ {4}sallyport (approve \S+ --rule .*?) {3}sallyport deny/m.exec(stdout)?.[1]
  const approved = await run(['sh', '-c', `"$NODE" "$PROGRAM" ${command} --control "$CONTROL"`], { env: { ...bareEnvironment(home), NODE: process.execPath, PROGRAM, CONTROL: control } })
  t.equal(approved.status, 0, approved.output)
  for (const wire of items) t.match(await wire.ended(), /^HTTP\/1\.1 200/)

  const others = await Promise.all([1, 2, 3].map(n => send(`/delete/${n}`)))
  const [held] = await house.questions(3)
  const denied = await sallyport('deny', held!.id, '--group', '--reason', 'not today')
  t.equal(denied.stdout.match(/denied/g)?.length, 3)
  for (const wire of others) t.match(await wire.ended(), /^HTTP\/1\.1 403[^]*not today/)
})
