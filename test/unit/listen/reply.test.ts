import t from 'tap'
import { REFUSALS } from '../../../lib/model/errors.ts'
import type { RefusalCode } from '../../../lib/model/errors.ts'
import { NOTHING_SAID, renderRefusal, replyBytes } from '../../../lib/listen/reply.ts'

const said = { method: 'POST', host: 'api.example.com', port: 443, path: '/v1/items' }
const refusal = (code: RefusalCode) => ({ code, flow: 'f1', rule: 'no-writes', operatorReason: null })
const field = (fields: readonly string[], name: string): string | undefined => fields[fields.findIndex(field => field.toLowerCase() === name) + 1]

t.test('every refusal is JSON of one shape, with its status, Proxy-Status and flow', async t => {
  for (const [code, row] of Object.entries(REFUSALS)) {
    const reply = renderRefusal(refusal(code as RefusalCode), said)
    const { error } = JSON.parse(reply.body.toString()) as { error: Record<string, unknown> }
    t.strictSame(Object.keys(error), ['code', 'message', 'flow', 'method', 'host', 'port', 'path', 'rule', 'retry', 'hint'], code)
    t.equal(error['code'], code)
    t.equal(error['retry'], row.retry)
    t.equal(reply.status, row.status)
    t.equal(field(reply.fields, 'proxy-status'), `sallyport; error=${row.proxyStatus}; details="${code}"`)
    t.equal(field(reply.fields, 'sallyport-flow'), 'f1')
    t.equal(field(reply.fields, 'x-should-retry'), String(row.retry))
    t.equal(Number(field(reply.fields, 'content-length')), reply.body.length)
    t.equal(reply.fields.includes('Retry-After'), row.retry && row.status === 503, 'only what may be retried says when')
    t.notMatch(String(error['message']) + String(error['hint']), /[{}]/, 'no placeholder is left')
  }
})

t.test('a refusal of bytes that were no request still reads as a sentence', async t => {
  const { error } = JSON.parse(renderRefusal({ ...refusal('policy_denied'), rule: null }, NOTHING_SAID).body.toString()) as { error: { message: string } }
  t.match(error.message, /^The request to the host/)
})

t.test('the operator\'s reason is told, what is told is cut', async t => {
  const { error } = JSON.parse(renderRefusal({ ...refusal('approval_denied'), operatorReason: 'use the mirror' }, { ...said, path: 'x'.repeat(9_000) }).body.toString()) as { error: { message: string, path: string } }
  t.match(error.message, /Reason given: use the mirror$/)
  t.equal(error.path.length, 2_049)
})

t.test('as bytes it is one response that ends the connection', async t => {
  const text = replyBytes(renderRefusal(refusal('malformed_request'), said)).toString('latin1')
  t.match(text, /^HTTP\/1\.1 400 Bad Request\r\n/)
  t.match(text, /\r\nConnection: close\r\n\r\n\{/)
})
