import t from 'tap'
import { parsePlace } from '../../../lib/config/place.ts'

const place = { scheme: 'https', host: 'npm.example.com', isAddress: false, port: null, base: '' }

// [what it shows, URL, place]
const read: [string, string, object][] = [
  ['a host', 'https://npm.example.com', {}],
  ['a slash at the end says nothing', 'https://npm.example.com/', {}],
  ['the usual port says nothing', 'https://npm.example.com:443/', {}],
  ['another does', 'https://npm.example.com:8443', { port: 8443 }],
  ['443 is not the usual one of http', 'http://npm.example.com:443', { scheme: 'http', port: 443 }],
  ['a path', 'https://npm.example.com/a/b//', { base: '/a/b' }],
  ['an escape and what stands raw in a path', 'https://npm.example.com/a%2Fb/@c:d', { base: '/a%2Fb/@c:d' }],
  ['user and password are left out', 'https://ann:s3cret@npm.example.com/', {}],
  ['a password with a colon in it', 'https://ann:a:b@npm.example.com:1/', { port: 1 }],
  ['case of scheme and host says nothing', 'HTTPS://NPM.Example.Com/A', { base: '/A' }],
  ['a name beyond ASCII', 'https://bücher.example/', { host: 'xn--bcher-kva.example' }],
  ['an address', 'http://127.0.0.1:4873', { scheme: 'http', host: '127.0.0.1', isAddress: true, port: 4873 }],
  ['an address in another spelling', 'http://0x7f.1/', { scheme: 'http', host: '127.0.0.1', isAddress: true }],
  ['IPv6', 'https://[FD00::1]:8443/x', { host: 'fd00::1', isAddress: true, port: 8443, base: '/x' }],
]
for (const [shows, url, wanted] of read) t.strictSame(parsePlace(url), { ...place, ...wanted }, shows)

// [what it shows, URL]
const refused: [string, string][] = [
  ['nothing', ''],
  ['no scheme', 'npm.example.com'],
  ['another scheme', 'ftp://npm.example.com/'],
  ['a file', 'file:///srv/mirror'],
  ['no host', 'https:///x'],
  ['a user and no host', 'https://ann@/x'],
  ['a query', 'https://npm.example.com/?a=1'],
  ['a fragment', 'https://npm.example.com/#a'],
  ['a host that would be a pattern', 'https://*.example.com/'],
  ['a path that would be one', 'https://npm.example.com/*/x'],
  ['port 0', 'https://npm.example.com:0/'],
  ['a port beyond the last', 'https://npm.example.com:65536/'],
  ['dot segments', 'https://npm.example.com/a/../b'],
  ['two slashes', 'https://npm.example.com/a//b'],
  ['a space', 'https://npm.example.com/a b'],
  ['a line break', 'https://npm.example.com/a\nb'],
  ['a backslash in the host', 'https://npm.example.com\\x/'],
  ['a second host behind an @', 'https://npm.example.com/@a@b\\c'],
  ['braces, which would be a parameter', 'https://npm.example.com/{host}'],
  ['an IPv6 zone', 'https://[fe80::1%25eth0]/'],
  ['more than any URL', `https://npm.example.com/${'a'.repeat(2_048)}`],
]
for (const [shows, url] of refused) t.equal(parsePlace(url), null, shows)

t.test('a long text is read in one go', async t => {
  const began = process.hrtime.bigint()
  for (const piece of ['/', '@', ':', 'a@', '[']) parsePlace(`https://a${piece.repeat(1_000)}`)
  t.ok(process.hrtime.bigint() - began < 100_000_000n)
})
