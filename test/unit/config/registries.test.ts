/** What tools say of their registries, as text of which nothing is certain, and when they are asked. */
import t from 'tap'
import { createRegistries } from '../../../lib/config/registries.ts'
import type { RegistryName } from '../../../lib/config/registries.ts'
import { loadPolicy } from '../../../lib/config/load.ts'
import type { RunTool, ToolRan } from '../../../lib/config/registries/run.ts'

const said = (text: string): ToolRan => ({ kind: 'said', text })
const json = (value: unknown): ToolRan => said(JSON.stringify(value))

/** @param answers by a word of the command */
const machine = (answers: Readonly<Record<string, ToolRan>>): RunTool => async command =>
  Object.entries(answers).find(([word]) => command.includes(word))?.[1] ?? { kind: 'failed', problem: 'is not installed' }

// [what it shows, who is asked, what the tools say, URLs or words of the problem]
const cases: [string, RegistryName, Readonly<Record<string, ToolRan>>, string[] | RegExp][] = [
  ['the registry and those of scopes', 'npm', { npm: json({ registry: 'https://a.test/', '@x:registry': 'https://b.test/', 'replace-registry-host': 'never', '@x:other': 'https://c.test/' }) }, ['https://a.test/', 'https://b.test/']],
  ['the same twice is one', 'npm', { npm: json({ registry: 'https://a.test/', '@x:registry': 'https://a.test/' }) }, ['https://a.test/']],
  ['no registry, as npm says of one with a password', 'npm', { npm: json({ '@x:registry': 'https://b.test/' }) }, /^npm does not say which registry/],
  ['a list where an object belongs', 'npm', { npm: json([]) }, /^npm said something that is no JSON\.$/],
  ['no JSON', 'npm', { npm: said('oops') }, /no JSON/],
  ['nothing', 'npm', { npm: said('') }, /no JSON/],
  ['a tool that is not there', 'npm', {}, /^npm is not installed\.$/],
  ['more than anybody has', 'npm', { npm: json({ registry: 'https://a.test/', ...Object.fromEntries(Array.from({ length: 64 }, (_, at) => [`@s${at}:registry`, `https://s${at}.test/`])) }) }, /more than 64/],

  ['the index and the extra ones', 'pip', { list: said("global.index-url='https://a.test/simple'\nglobal.extra-index-url='\\nhttps://b.test/simple\\nhttps://c.test/simple'\n") }, ['https://a.test/simple', 'https://b.test/simple', 'https://c.test/simple']],
  ['the environment outranks the command\'s section, and that the global one', 'pip', { list: said("global.index-url='https://a.test'\n:env:.index-url='https://e.test'\ninstall.index-url='https://i.test'\ninstall.extra-index-url='https://x.test'\nglobal.extra-index-url='https://g.test'\n") }, ['https://e.test', 'https://x.test']],
  ['what lies on a disk needs no rule', 'pip', { list: said("global.index-url='https://a.test'\nglobal.extra-index-url='file:///srv/wheels ftp://c.test'\n") }, ['https://a.test']],
  ['no index: the default of its help', 'pip', { list: said(''), help: said('  -i, --index-url <url>   Base URL of the index (default https://d.test/simple). This should\n') }, ['https://d.test/simple']],
  ['a setting of another command', 'pip', { list: said("download.index-url='https://a.test'\n"), help: said('--index-url <url> (default https://d.test/simple).') }, ['https://d.test/simple']],
  ['no index and no help', 'pip', { list: said('') }, /^pip does not say which index/],
  ['quotes of two kinds', 'pip', { list: said('global.index-url=\'https://a.test"\n'), help: said('') }, /does not say/],

  ['the repositories, each once', 'apt', { 'apt-get': said('http://a.test/x/\nhttp://a.test/x/\nhttps://b.test/\ncdrom:[x]/\nfile:/srv\n\n') }, ['http://a.test/x/', 'https://b.test/']],
  ['disks alone', 'apt', { 'apt-get': said('file:/srv\n') }, /^apt is set to no registry that is called by http/],

  ['registries and what stands in for the default', 'cargo', { cargo: json({ registries: { a: { index: 'sparse+https://a.test/', token: 'x' }, g: { index: 'ssh://git@g.test/' } }, source: { 'crates-io': { 'replace-with': 'm' }, m: { registry: 'https://m.test/' }, d: { directory: 'vendor' } } }) }, ['https://m.test/', 'https://a.test/']],
  ['the default alone', 'cargo', { cargo: json({ net: {} }) }, /its default, and does not say which/],
  ['tables that are none', 'cargo', { cargo: json({ registries: [1, null], source: 'x' }) }, /its default/],

  ['proxies by comma and by bar', 'go', { GOPROXY: json({ GOPROXY: 'https://a.test|https://b.test/x,direct' }) }, ['https://a.test', 'https://b.test/x']],
  ['no proxy', 'go', { GOPROXY: json({ GOPROXY: 'direct' }) }, /^go is set to no registry/],
  ['no text', 'go', { GOPROXY: json({ GOPROXY: 1 }) }, /does not say what GOPROXY/],
  ['a database by its name', 'go-sums', { GOSUMDB: json({ GOSUMDB: 'sum.test' }) }, ['https://sum.test']],
  ['by name and key', 'go-sums', { GOSUMDB: json({ GOSUMDB: 'sum.test+033de0ae+Ac4' }) }, ['https://sum.test']],
  ['by name and URL', 'go-sums', { GOSUMDB: json({ GOSUMDB: 'sum.test https://mirror.test/sums' }) }, ['https://mirror.test/sums']],
  ['none', 'go-sums', { GOSUMDB: json({ GOSUMDB: 'off' }) }, []],

  ['channels, each told for each platform', 'conda', { conda: json({ channels: ['https://a.test/main/linux-64', 'https://a.test/main/noarch', 'file:///srv/noarch'] }) }, ['https://a.test/main']],
  ['no channels', 'conda', { conda: json({}) }, /which channels/],
]
for (const [shows, name, answers, wanted] of cases) {
  t.test(`${name}: ${shows}`, async t => {
    const registries = createRegistries(machine(answers))
    await registries.ask([name])
    const known = registries.known(name)
    if (Array.isArray(wanted)) t.strictSame(known, { kind: 'urls', urls: wanted })
    else t.match(known, { kind: 'failed', problem: wanted })
  })
}

t.test('a tool is asked once, and again only where it had no answer', async t => {
  let runs = 0
  let answer: ToolRan = { kind: 'failed', problem: 'is not installed' }
  const registries = createRegistries(async () => { runs++; return answer })
  t.match(registries.known('npm'), { kind: 'failed', problem: /not been asked/ })
  await Promise.all([registries.ask(['npm']), registries.ask(['npm'])])
  t.equal(runs, 1, 'those who ask at the same time share the answer')
  answer = json({ registry: 'https://a.test/' })
  await registries.ask(['npm'])
  t.match(registries.known('npm'), { urls: ['https://a.test/'] })
  answer = json({ registry: 'https://changed.test/' })
  await registries.ask(['npm'])
  t.match(registries.known('npm'), { urls: ['https://a.test/'] }, 'a setting that changed later opens nothing')
  t.equal(runs, 2)
})

t.test('a tool that cannot even be started is one that failed', async t => {
  const registries = createRegistries(async () => { throw new Error('ERR_INVALID_ARG_VALUE') })
  await registries.ask(['npm', 'go'])
  t.match(registries.known('npm'), { kind: 'failed', problem: /npm .*cannot be asked/ })
})

t.test('loading a policy asks those that its presets need, and no others', async t => {
  const asked: string[] = []
  const registries = createRegistries(async ([file]) => { asked.push(file); return json({ registry: 'https://npm.test/' }) })
  const load = async (use: unknown): Promise<unknown> => loadPolicy({ version: 1, use } as object, { now: 0, registries })
  t.match(await load(['anthropic', { preset: 'npm', registry: 'https://mine.test' }, 'nope']), { kind: 'invalid' })
  t.strictSame(asked, [])
  t.match(await load(['npm']), { kind: 'policy', document: { rules: [{ id: 'npm.packages', host: 'npm.test' }] }, source: { use: ['npm'] } })
  t.strictSame(asked, ['npm'])
  t.match(await load(['go']), { kind: 'invalid', problems: [{ pointer: '/use/0', problem: /go does not say/, fix: /"proxy": "https:/ }, { fix: /"sums"/ }] })
  t.match(await load({ get length() { throw new Error('x') } }), { kind: 'invalid' }, 'whatever shape it has')
})
