import t from 'tap'
import { readFields } from '../../../lib/normalize/fields.ts'

// [why, fields, what is read]
const sound: [string, string[], object][] = [
  ['no fields', [], { host: null, contentLength: 0, overrides: [], offersWebSocket: false }],
  ['a Host in odd case', ['hOST', 'a.test'], { host: 'a.test' }],
  ['an empty Host is a Host', ['Host', ''], { host: '' }],
  ['names of no own meaning, some with that of a prototype', ['__proto__', 'x', 'constructor', 'y', 'Hos', 'z', 'Host-Name', 'w'], { host: null }],
  ['a length', ['Content-Length', '46'], { contentLength: 46 }],
  ['a length of zero is no body', ['Content-Length', '0'], { contentLength: 0 }],
  ['chunked has no length', ['Transfer-Encoding', 'Chunked'], { contentLength: null }],
  ['an override in upper case, as frameworks read it', ['X-HTTP-Method-Override', 'delete'], { overrides: ['DELETE'] }],
  ['three names of overriding', ['x-http-method', 'PUT', 'X-Method-Override', 'PATCH', 'X-HTTP-METHOD-OVERRIDE', 'GET'], { overrides: ['PUT', 'PATCH', 'GET'] }],
  ['an override that names nothing', ['X-HTTP-Method', ''], { overrides: [] }],
  ['a WebSocket', ['Connection', 'keep-alive, Upgrade', 'Upgrade', 'WebSocket'], { offersWebSocket: true }],
  ['Connection on two lines', ['Connection', 'keep-alive', 'Upgrade', 'websocket', 'Connection', 'upgrade'], { offersWebSocket: true }],
  ['Connection on two lines, the other way round', ['Connection', 'upgrade', 'Upgrade', 'websocket', 'Connection', 'keep-alive'], { offersWebSocket: true }],
  ['an Upgrade that Connection does not know of', ['Upgrade', 'websocket'], { offersWebSocket: false }],
  ['a Connection with nothing to upgrade to', ['Connection', 'Upgrade'], { offersWebSocket: false }],
  ['Connection names what only begins like it', ['Connection', 'upgrades, x-upgrade', 'Upgrade', 'websocket'], { offersWebSocket: false }],
  ['h2c', ['Connection', 'Upgrade', 'Upgrade', 'h2c'], { offersWebSocket: false }],
  ['a list of protocols', ['Connection', 'Upgrade', 'Upgrade', 'websocket, h2c'], { offersWebSocket: false }],
  ['two lines of protocols', ['Connection', 'Upgrade', 'Upgrade', 'websocket', 'Upgrade', 'websocket'], { offersWebSocket: false }],
  ['Connection names fields that may go', ['Connection', 'close, X-Host, host-x, content-length-x'], {}],
]
for (const [why, fields, read] of sound) t.match(readFields(fields, '1.1'), { kind: 'fields', ...read }, why)

// [why, fields, version, part of the reason]
const refused: [string, string[], string, RegExp][] = [
  ['two Hosts', ['Host', 'a', 'hOST', 'a'], '1.1', /Host is sent twice/],
  ['two Hosts, the first empty', ['Host', '', 'Host', 'a'], '1.1', /Host is sent twice/],
  ['a length twice', ['Content-Length', '5', 'content-length', '5'], '1.1', /twice/],
  ['both framings', ['Content-Length', '0', 'Transfer-Encoding', 'chunked'], '1.1', /both/],
  ['chunked twice', ['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'], '1.1', /alone/],
  ['chunked in a list', ['Transfer-Encoding', 'gzip, chunked'], '1.1', /alone/],
  ['chunked in HTTP/1.0', ['Transfer-Encoding', 'chunked'], '1.0', /HTTP\/1\.0/],
  ...['', '+5', '-5', '05', '0x5', '5.0', '5e0', '5, 5', '5 ', '9007199254740992', '18446744073709551621'].map((value): [string, string[], string, RegExp] => [`the length ${JSON.stringify(value)}`, ['Content-Length', value], '1.1', /decimal/]),
  ...['Host', 'close, host', 'content-length', 'TRANSFER-ENCODING,x', 'x ,\thost\t'].map((value): [string, string[], string, RegExp] => [`Connection: ${value}`, ['Connection', value], '1.1', /take away/]),
  ['an override that is a list', ['X-HTTP-Method-Override', 'PUT, DELETE'], '1.1', /names no method/],
]
for (const [why, fields, version, reason] of refused) t.match(readFields(fields, version), { kind: 'refused', reason }, why)

t.test('fields that name a thousand protocols cost no more than their length', async t => {
  const fields = Array.from({ length: 200 }, () => ['Upgrade', 'x'.repeat(80), 'Connection', ' ,'.repeat(40)]).flat()
  t.match(readFields(fields, '1.1'), { kind: 'fields', offersWebSocket: false })
})
