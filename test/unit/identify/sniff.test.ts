import t from 'tap'
import { sniff } from '../../../lib/identify/sniff.ts'
import type { Sniffed } from '../../../lib/identify/sniff.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

// [what it shows, first bytes, verdict]
const cases: [string, string, Sniffed['kind']][] = [
  ['nothing has arrived', '', 'need-more'],
  ['half a method', 'GE', 'need-more'],
  ['a method without its space may still grow', 'GET', 'need-more'],
  ['a method and a space', 'GET ', 'http'],
  ['CONNECT is HTTP too', 'CONNECT a:443', 'http'],
  ['a method with a hyphen', 'M-SEARCH * HTTP/1.1', 'http'],
  ['lower case is a bad request, and a request', 'get / HTTP/1.1', 'http'],
  ['the longest method we wait for', `${'A'.repeat(32)} `, 'http'],
  ['the longest method we wait for, without its space', 'A'.repeat(32), 'need-more'],
  ['a method too long to be one', 'A'.repeat(33), 'opaque'],
  ['the preface of HTTP/2 is not spoken in a tunnel', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'opaque'],
  ['PRI might still be PRIX', 'PRI', 'need-more'],
  ['a method that begins like the preface', 'PRIX / HTTP/1.1', 'http'],
  ['a space is no method', ' GET /', 'opaque'],
  ['a tab ends no method', 'GET\t/', 'opaque'],
  ['a line end ends no method', 'PING\r\n', 'opaque'],
  ['an SSH banner has a space in it, and digits before', 'SSH-2.0-dropbear a comment\r\n', 'opaque'],
  ['half a record header', '\x16', 'need-more'],
  ['a TLS handshake', '\x16\x03', 'tls'],
  ['a handshake record of no TLS', '\x16\x02', 'opaque'],
  ['a TLS alert is no beginning', '\x15\x03\x01', 'opaque'],
  ['an SSLv2 hello', '\x80\x2e\x01\x00\x02', 'opaque'],
  ['a NUL', '\0', 'opaque'],
]
for (const [shows, head, kind] of cases) t.equal(sniff(bytes(head)).kind, kind, shows)

t.test('a verdict once given stands, whatever follows byte by byte', async t => {
  for (const [shows, head] of cases) {
    let last: Sniffed['kind'] = 'need-more'
    for (let length = 0; length <= head.length; length++) {
      const { kind } = sniff(bytes(head.slice(0, length)))
      if (last !== 'need-more') t.equal(kind, last, `${shows}, ${length} bytes`)
      last = kind
    }
  }
})

t.test('every first byte has a verdict', async t => {
  for (let byte = 0; byte < 256; byte++) t.ok(['need-more', 'opaque'].includes(sniff(Uint8Array.of(byte)).kind), `byte ${byte}`)
})
