import t from 'tap'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { readCases } from '../../../lib/conformance/cases.ts'
import type { Case } from '../../../lib/conformance/cases.ts'
import { whyNotAsked } from '../../../bench/peers/applicable.ts'
import { breachOf } from '../../../bench/peers/breaches.ts'
import { peers } from '../../../bench/peers/peers.ts'
import { picture } from '../../../bench/peers/picture.ts'
import { countsOf, familyTable, scoreboard } from '../../../bench/peers/scoreboard.ts'
import type { Contender, Scored } from '../../../bench/peers/scoreboard.ts'

const setup = new URL('../../../bench/peers/setup/', import.meta.url)
const cases = readCases()
const caseOf = (id: string): Case => cases.find(one => one.id === id)!

t.test('each peer has its setup, pages of its own that the setup follows, and a pinned version or a package of Debian', async t => {
  t.equal(new Set(peers.map(({ id }) => id)).size, peers.length)
  for (const peer of peers) {
    const text = readFileSync(new URL(peer.setup, setup), 'utf8')
    t.ok(peer.docs.length > 0 && peer.docs.every(page => page.startsWith('https://')), `${peer.id} cites its documentation`)
    t.ok(peer.docs.some(page => text.includes(page)), `${peer.setup} says what it follows`)
    t.match(text, /CONFORMANCE_PORT/, `${peer.setup} listens where it is asked to`)
    if (peer.from.kind === 'npm') t.match(peer.from.version, /^\d+\.\d+\.\d+$/, `${peer.id} is pinned`)
    for (const name of peer.from.packages ?? []) t.match(name, /^[a-z0-9][a-z0-9+.-]+$/)
    if (peer.setup.endsWith('.sh')) t.doesNotThrow(() => execFileSync('sh', ['-n', new URL(peer.setup, setup).pathname]), `${peer.setup} is a script`)
  }
  const used = new Set(peers.map(peer => peer.setup))
  const scripts = readdirSync(setup).filter(name => statSync(new URL(name, setup)).isFile() && /\.(sh|mjs)$/.test(name))
  t.same(scripts.filter(name => !used.has(name)), [], 'no setup is left over')
})

t.test('what a configuration has no words for is not asked of it, and everything else is', async t => {
  t.match(whyNotAsked(caseOf('authority-fronting-host'), ['inside-tls']), /relays TLS/)
  t.equal(whyNotAsked(caseOf('authority-connect-host-field'), ['inside-tls']), null, 'a tunnel to somebody else can be refused by all')
  t.equal(whyNotAsked(caseOf('raw-clte-plain'), ['inside-tls', 'private-names', 'addresses']), null)
  t.match(whyNotAsked(caseOf('address-private-name'), ['private-names']), /private address/)
  t.match(whyNotAsked(caseOf('address-hex'), ['addresses']), /the address is allowed/)
  t.equal(whyNotAsked(caseOf('address-metadata'), ['addresses']), null, 'another address than that of an allowed name')
  t.ok(cases.every(one => whyNotAsked(one, []) === null))
})

const through = (target: string, ...hosts: string[]): Pick<Scored, 'verdict' | 'reached'> => ({ verdict: 'through', reached: [{ target, hosts }] })
// [what it shows, case, what reached an origin, breach]
const rows: readonly (readonly [string, string, Pick<Scored, 'verdict' | 'reached'>, Scored['breach']])[] = [
  ['held', 'raw-clte-plain', { verdict: 'held' }, null],
  ['another name in Host', 'authority-fronting-host', through('/', 'deni01.test'), 'elsewhere'],
  ['an address in Host', 'address-dotted', through('/', '127.80.45.1'), 'elsewhere'],
  ['an absolute target goes before Host', 'raw-mis-tunnel-absolute', through('https://deni01.test/', 'allow01.test'), 'elsewhere'],
  ['an allowed one in another spelling', 'authority-port-inside', through('/', 'ALLOW01.test.:443'), 'unclear'],
  ['two Host fields are no name', 'authority-host-twice', through('/', 'deni01.test', 'allow01.test'), 'unclear'],
  ['a list is no name', 'authority-host-list', through('/', 'allow01.test, deni01.test'), 'unclear'],
  ['a request out of a body', 'raw-clte-tail-tunnel', through('/smuggled', 'allow01.test'), 'split'],
  ['credentials of the proxy', 'raw-hop-proxy-auth-plain', through('/', 'allow01.test'), 'fields'],
  ['a request that should not have been passed on', 'raw-clte-plain', through('/', 'allow01.test'), 'unclear'],
]
t.test('what got through is told apart by what reached an origin', async t => {
  for (const [shows, id, result, breach] of rows) t.equal(breachOf(caseOf(id), result), breach, shows)
})

const result = (id: string, verdict: Scored['verdict'], more: Partial<Scored> = {}): Scored => ({ id, family: 'Framing', why: 'why', verdict, problem: '', breach: null, ...more })
const contenders: readonly Contender[] = [
  { name: 'sallyport', version: '1.2.3', about: 'Ours.', docs: [], results: ['a', 'b', 'c', 'd'].map(id => result(id, 'held')) },
  {
    name: 'other & co', version: '4', about: 'Theirs.', docs: ['https://other.example/'],
    results: [
      result('a', 'held'), result('b', 'crashed'), result('c', 'inapplicable', { family: 'Addresses' }),
      result('d', 'through', { breach: 'unclear', reached: [{ target: '/a`\u0001', hosts: ['allow07.test', 'deni07.test'] }] }),
    ],
  },
  { name: 'absent', version: '0', about: 'Not there.', docs: [], problem: 'it did not start', results: [] },
]

t.test('the scoreboard has a row for each that was tried, and what was not held with its evidence', async t => {
  const page = scoreboard(contenders, '2026-01-02')
  t.match(page, 'on 2026-01-02')
  t.match(page, /\| sallyport +\| +1\.2\.3 \| +4 \| +0 \| +0 \| +0 \| +0 \|/)
  t.match(page, /\| other & co \| +4 \| +1 \| +1 \| +1 \| +0 \| +1 \|/)
  t.match(page, 'Could not be tried: it did not start')
  t.match(page, '- *crashed* `b`: why\n- *unclear, passed on* `d`: why; reached an origin: `/a\'\\x01 of allowed.test and denied.test`', 'the worst first, nothing of an attack as it is')
  t.notMatch(page, /\d\d\.test/, 'names of lanes differ from run to run')
  t.match(page, 'does not\nNowhere, in this run.')
  const [ourselves, ...others] = contenders
  const worse = scoreboard([{ ...ourselves!, results: [result('a', 'otherwise'), result('b', 'crashed')] }, ...others], '2026-01-02')
  t.match(worse, 'does not\n- *otherwise* `a`: why (held by other & co)\n\n', 'where we do worse stands there, too')
})

t.test('a family has its row, and all of them their sum', async t => {
  t.match(familyTable(contenders[1]!.results), /\| Addresses +\| +0 \| +0 \| +0 \| +0 \| +1 \|\n\| Framing +\| +1 \| +1 \| +1 \| +0 \| +0 \|\n\| all +\| +1 \| +1 \| +1 \| +0 \| +1 \|/)
  t.equal(countsOf([result('a', 'otherwise')]).held, 1, 'answered otherwise than we promise: nothing got through')
})

t.test('a bar is as long as any other, its parts as long as their counts', async t => {
  const drawn = picture(contenders)
  const bars = [...drawn.matchAll(/<rect class="(\w+)" x="([\d.]+)" y="(\d+)" width="([\d.]+)" height="24"/g)].map(([, part, x, y, width]) => ({ part, x: Number(x), y: Number(y), width: Number(width) }))
  const rows = [...new Set(bars.map(({ y }) => y))]
  t.equal(rows.length, 2, 'one for each that was tried')
  for (const row of rows) t.equal(bars.filter(({ y }) => y === row).reduce((sum, { width }) => sum + width, 0), 560)
  t.same(bars.filter(({ y }) => y === rows[1]).map(({ part }) => part), ['held', 'unclear', 'ended', 'none'])
  t.match(drawn, 'other &#38; co')
  t.match(drawn, 'prefers-color-scheme: dark')
})

t.test('the scoreboard that is kept has every peer in it, one run of one corpus', async t => {
  const page = readFileSync(new URL('../../../docs/scoreboard.md', import.meta.url), 'utf8')
  for (const { name } of [{ name: 'sallyport' }, ...peers]) t.match(page, `\n| ${name} `, `${name} has its row`)
  t.notMatch(page, 'Could not be tried')
})
