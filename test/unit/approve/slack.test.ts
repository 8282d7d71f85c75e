/** A chat that is told, against a real server: one message a group, plain text, and never an answer. */
import t from 'tap'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { slackDoor } from '../../../lib/approve/slack.ts'
import { sampleHeld, sampleTask } from '../../helpers/sample-held.ts'

const stop = new AbortController().signal
let status = 200
const told: { text: string, blocks: { text: { type: string, text: string } }[] }[] = []
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk
  told.push(JSON.parse(body) as typeof told[number])
  response.writeHead(status).end('ok')
})
await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
t.teardown(() => { server.close(); server.closeAllConnections() })
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/services/T0/B0/secret-part`
const door = slackDoor({ url, desk: 'https://desk.example.test', tries: 1 })

t.test('a question is told, and answered elsewhere', async t => {
  const held = sampleHeld({ display: { ...sampleHeld().display, line: 'POST https://a.test/<!channel>&<http://evil.test|click>', body: 'text=<!here>' } })
  t.strictSame(await door.ask(held, { signal: stop }), { verdict: 'pass' })
  const [message] = told
  t.match(message!.text, 'POST https://a.test/&lt;!channel&gt;&amp;&lt;http://evil.test|click&gt;', 'nothing in it is a command')
  t.match(message!.text, 'its body begins: text=&lt;!here&gt;')
  t.match(message!.blocks, [{ text: { type: 'plain_text' } }])
  t.match(message!.text, /first contact.*\nQuestion q1\. Answer at the desk \(https:\/\/desk\.example\.test\/\), or: sallyport approve q1/)
  t.strictSame(await door.ask(sampleTask(), { signal: stop }), { verdict: 'pass' })
  t.match(told[1]!.text, 'to write the digest')
})

t.test('what belongs to a question that was told is not told again', async t => {
  told.length = 0
  t.strictSame(await door.ask(sampleHeld({ id: 'q2', group: { id: 'q1', questions: 2, waiting: 3, suggestion: null } }), { signal: stop }), { verdict: 'pass' })
  t.strictSame(told, [])
})

t.test('one that does not take it is a failure, told without its address', async t => {
  for (const refused of [404, 500]) {
    status = refused
    const message = await door.ask(sampleHeld(), { signal: stop }).then(() => '', (error: Error) => error.message)
    t.match(message, String(refused))
    t.notMatch(message, 'secret-part')
  }
  t.throws(() => slackDoor({ url: 'http://hooks.example.test/x' }), { message: /in the clear/ })
})
