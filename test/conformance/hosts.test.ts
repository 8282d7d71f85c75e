/** Does a valid host pattern match a host? Both sides are compared in canonical form. */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { checkHostPattern, compileHostPattern } from '../../lib/decide/patterns.ts'
import { canonicalHost } from '../../lib/normalize/host.ts'

interface Case { id: string, why: string, pattern: string, host: string, anyHost?: boolean, matches: boolean }

const { cases } = JSON.parse(readFileSync(new URL('vectors/hosts.json', import.meta.url), 'utf8')) as { cases: Case[] }

t.ok(cases.length > 40, 'the vectors were found')
for (const { id, why, pattern, host, anyHost = false, matches } of cases) {
  const checked = checkHostPattern(pattern, anyHost)
  const normalized = canonicalHost(host)
  if (checked.kind !== 'sound' || normalized.kind !== 'host') {
    t.fail(`${id}: pattern and host are sound`, { checked, normalized })
    continue
  }
  t.equal(compileHostPattern(checked.canonical)(normalized.host), matches, `${id}: ${why}`)
}

t.test('a name in a policy is the same name as in a request', async t => {
  // IDNA is done in two rooms: here their answers are compared.
  const names = ['Bücher.Example', 'faß.example', 'ＡＢＣ.example', 'a\u00adb.example', 'xn--a.example', 'xn--bcher-kva.example', 'a-.example', '_x.example', '公司.cn', '1.2.3.4', '0x7f.1', 'a.1', '1.a', 'a。b.example', '＊.example', 'a..example', 'x'.repeat(64) + '.example']
  for (const name of names) {
    const checked = checkHostPattern(name, false)
    const normalized = canonicalHost(name)
    if (checked.kind === 'sound') t.match(normalized, { kind: 'host', host: checked.canonical, hostKind: 'name' }, name)
    else t.ok(normalized.kind === 'refused' || normalized.hostKind !== 'name' || name.includes('。'), `${name}: ${checked.problem}`)
  }
})
