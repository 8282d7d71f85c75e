/** A lent body: what passes, what it is capped at, and what happens to its owner. */
import t from 'tap'
import { PassThrough } from 'node:stream'
import type { Readable } from 'node:stream'
import { lend } from '../../../lib/forward/body.ts'
import { until } from './fixtures.ts'

interface Lent { readonly source: PassThrough, readonly body: Readable, readonly told: string[], readonly text: () => string }

function lent(max: number | null = null): Lent {
  const source = new PassThrough()
  const told: string[] = []
  const body = lend(source, max, { over: () => told.push('over'), spent: () => told.push('spent'), broken: () => told.push('broken') })
  let text = ''
  const read = (): string => text
  body.on('data', (chunk: Buffer) => { text += chunk.toString() })
  body.pause()
  return { source, body, told, text: read }
}

t.test('nothing is taken before somebody reads', async t => {
  const source = new PassThrough()
  const body = lend(source, null, { over() {}, spent() {}, broken() {} })
  source.write('hello')
  await new Promise(setImmediate)
  t.equal(source.listenerCount('data'), 0)
  t.equal(source.readableLength, 5)
  source.end(' world')
  let text = ''
  for await (const chunk of body) text += (chunk as Buffer).toString()
  t.equal(text, 'hello world')
})

t.test('a cap is kept to the byte', async t => {
  const exact = lent(5)
  exact.body.resume()
  exact.source.end('hello')
  await until(() => exact.body.closed)
  t.strictSame(exact.told, [])
  const over = lent(5)
  over.body.resume()
  over.source.write('hello')
  over.source.write('!')
  over.source.write('more')
  await until(() => over.told.length > 0)
  await new Promise(setImmediate)
  t.strictSame(over.told, ['over'])
  t.equal(over.text(), 'hello')
  t.ok(over.source.isPaused())
})

t.test('a source that breaks off is told, and breaks the body', async t => {
  for (const error of [undefined, new Error('broken')]) {
    const { source, body, told } = lent()
    body.resume()
    source.write('x')
    await new Promise(setImmediate)
    source.destroy(error)
    await until(() => body.closed)
    t.strictSame(told, ['broken'])
    t.ok(body.errored)
  }
  const early = lent()
  early.source.destroy()
  await until(() => early.source.closed)
  early.body.resume()
  await until(() => early.body.closed)
  t.strictSame(early.told, ['broken'], 'before anybody read')
})

t.test('who destroys what was lent does not destroy what it was lent from', async t => {
  const { source, body, told } = lent()
  body.resume()
  source.write('x')
  await new Promise(setImmediate)
  body.destroy(new Error('upstream gone'))
  await until(() => body.closed)
  source.write('y')
  await new Promise(setImmediate)
  t.notOk(source.destroyed)
  t.ok(source.isPaused())
  t.equal(source.listenerCount('data'), 0)
  source.destroy(new Error('later'))
  await until(() => source.closed)
  t.strictSame(told, [], 'and what fails later fails for nobody')
})

t.test('a reader that stops stops the source', async t => {
  const { source, body } = lent()
  body.resume()
  source.write('x')
  await until(() => source.readableLength === 0)
  body.pause()
  for (let n = 0; n < 64 && !source.writableNeedDrain; n++) {
    source.write(Buffer.alloc(16 * 1024))
    await new Promise(setImmediate)
  }
  t.ok(source.writableNeedDrain)
  t.ok(body.readableLength < 128 * 1024)
})
