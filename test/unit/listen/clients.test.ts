import t from 'tap'
import { createIdentify } from '../../../lib/listen/clients.ts'

const token = { name: 'agent-1', token: '0123456789abcdef0123456789abcdef' }
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`
const right = ['Proxy-Authorization', basic(`${token.name}:${token.token}`)]

// [what it shows, rules, address, fields, label or null]
const cases: [string, { allowFrom: string[], tokens: typeof token[] }, string, string[], string | null][] = [
  ['loopback needs nothing', { allowFrom: [], tokens: [] }, '127.0.0.1', [], '127.0.0.1'],
  ['all of 127/8 is loopback', { allowFrom: [], tokens: [] }, '127.9.8.7', [], '127.9.8.7'],
  ['a dual-stack listener shows loopback in its mapped form', { allowFrom: [], tokens: [] }, '::ffff:127.0.0.1', [], '127.0.0.1'],
  ['::1 is loopback', { allowFrom: [], tokens: [] }, '::1', [], '::1'],
  ['a connection of the embedding runtime has no address', { allowFrom: [], tokens: [] }, '', [], 'embedded'],
  ['another machine needs something', { allowFrom: [], tokens: [] }, '10.0.0.5', [], null],
  ['a listed network needs no token', { allowFrom: ['10.0.0.0/8'], tokens: [] }, '10.0.0.5', [], '10.0.0.5'],
  ['its neighbour does', { allowFrom: ['10.0.0.0/8'], tokens: [] }, '11.0.0.5', [], null],
  ['IPv6 networks can be listed', { allowFrom: ['fd00::/8'], tokens: [] }, 'fd12::1', [], 'fd12::1'],
  ['a token lets in and labels', { allowFrom: [], tokens: [token] }, '10.0.0.5', right, 'agent-1'],
  ['a token labels on loopback too', { allowFrom: [], tokens: [token] }, '127.0.0.1', right, 'agent-1'],
  ['a wrong token is refused, also on loopback', { allowFrom: [], tokens: [token] }, '127.0.0.1', ['Proxy-Authorization', basic(`agent-1:${'x'.repeat(32)}`)], null],
  ['the token of one name is not that of another', { allowFrom: [], tokens: [token, { name: 'agent-2', token: 'f'.repeat(32) }] }, '10.0.0.5', ['Proxy-Authorization', basic(`agent-2:${token.token}`)], null],
  ['two fields are no credentials', { allowFrom: [], tokens: [token] }, '127.0.0.1', [...right, ...right], null],
  ['another scheme is no credential of ours', { allowFrom: [], tokens: [token] }, '127.0.0.1', ['proxy-authorization', 'Bearer x'], null],
  ['where no token exists, what a client sends is nothing to us', { allowFrom: [], tokens: [] }, '127.0.0.1', ['Proxy-Authorization', 'Bearer x'], '127.0.0.1'],
  ['Authorization is the origin\'s business', { allowFrom: [], tokens: [token] }, '10.0.0.5', ['Authorization', right[1]!], null],
]
for (const [shows, rules, address, fields, label] of cases) {
  t.test(shows, async t => {
    const identified = createIdentify(rules)(address, fields)
    t.equal(identified.kind === 'client' ? identified.label : null, label)
    if (identified.kind === 'client') t.equal(identified.isKnown, label === 'agent-1', 'only a token tells a client apart')
    else t.notMatch(identified.reason, token.token, 'the reason never holds the token')
  })
}
