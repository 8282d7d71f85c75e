import t from 'tap'
import { chmod, lstat, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { appendRule, parsePolicy } from '../../../lib/config/load.ts'
import { withoutRule } from '../../../lib/config/remove.ts'
import { withRule } from '../../../lib/config/append.ts'
import type { RuleDocument } from '../../../lib/model/policy.ts'

const RULE: RuleDocument = { id: 'new', host: 'new.example.com', path: ['/a', '/b'], note: 'two  spaces\nand a line' }

// [what it shows, the file before, the file after, « standing for the rule]
const texts: [string, string, string][] = [
  ['after the last of several lines', '{\n  "version": 1,\n  "rules": [\n    { "id": "a", "host": "a.example.com" }\n  ],\n  "name": "x"\n}\n', '{\n  "version": 1,\n  "rules": [\n    { "id": "a", "host": "a.example.com" },\n    «\n  ],\n  "name": "x"\n}\n'],
  ['on one line', '{"version":1,"rules":[{"id":"a","host":"a.example.com"}]}', '{"version":1,"rules":[{"id":"a","host":"a.example.com"}, «]}'],
  ['into an empty list', '{ "rules": [], "version": 1 }', '{ "rules": [«], "version": 1 }'],
  ['into an empty list of two lines', '{\n"version":1,\n"rules":[\n]\n}', '{\n"version":1,\n"rules":[\n«\n]\n}'],
  ['where there is no list', '{\n  "version": 1,\n  "name": "x"\n}\n', '{\n  "version": 1,\n  "name": "x",\n  "rules": [«]\n}\n'],
  ['tabs and line ends of Windows stay', '{\r\n\t"version": 1,\r\n\t"rules": [\r\n\t\t{"id":"a","host":"a.example.com"}\r\n\t]\r\n}', '{\r\n\t"version": 1,\r\n\t"rules": [\r\n\t\t{"id":"a","host":"a.example.com"},\r\n\t\t«\r\n\t]\r\n}'],
]
for (const [shows, before, after] of texts) {
  const written = withRule(before, RULE)
  t.equal(written, after.replace('«', '{ "id": "new", "host": "new.example.com", "path": [ "/a", "/b" ], "note": "two  spaces\\nand a line" }'), shows)
  const loaded = parsePolicy(written, { now: 0 })
  t.same(loaded.kind === 'policy' && loaded.document.rules?.at(-1), RULE, `${shows}: it reads as the rule`)
  if (before.includes('"a"')) t.equal(withoutRule(written, 1), before, `${shows}: taken out again it is as it was`)
}

const BEFORE = '{ "version": 1, "rules": [{ "id": "a", "host": "a.example.com" }] }'

async function fileIn(folder: string, text: string = BEFORE): Promise<string> {
  const file = join(folder, 'policy.json')
  await writeFile(file, text)
  return file
}

t.test('the file holds the rule, keeps its mode, and nothing is left beside it', async t => {
  const folder = t.testdir({})
  const file = await fileIn(folder)
  await chmod(file, 0o640)
  const loaded = await appendRule(file, RULE, { now: 0 })
  t.match(loaded, { kind: 'policy', file })
  t.equal(await readFile(file, 'utf8'), withRule(BEFORE, RULE))
  t.equal((await stat(file)).mode & 0o777, 0o640)
  t.strictSame(await readdir(folder), ['policy.json'])
})

t.test('a link stays a link, and what it leads to is replaced', async t => {
  const folder = t.testdir({ real: {} })
  const file = await fileIn(join(folder, 'real'))
  const link = join(folder, 'policy.json')
  await symlink(file, link)
  t.match(await appendRule(link, RULE, { now: 0 }), { kind: 'policy', file: link })
  t.ok((await lstat(link)).isSymbolicLink())
  t.equal(await readFile(file, 'utf8'), withRule(BEFORE, RULE))
})

t.test('what would not be a policy is not written', async t => {
  const folder = t.testdir({})
  const file = await fileIn(folder)
  t.match(await appendRule(file, { ...RULE, id: 'a' }, { now: 0 }), { kind: 'invalid', problems: [{ pointer: '/rules/1/id' }] }, 'an id that is taken')
  t.equal((await appendRule(file, { ...RULE, host: '**' }, { now: 0 })).kind, 'invalid', 'every host')
  t.equal((await appendRule(file, { ...RULE, path: '/a', tls: 'passthrough' }, { now: 0 })).kind, 'invalid', 'a rule against itself')
  t.equal(await readFile(file, 'utf8'), BEFORE)
  t.strictSame(await readdir(folder), ['policy.json'])
})

t.test('a file that has become invalid meanwhile is left as it is', async t => {
  const folder = t.testdir({})
  for (const text of ['{ "version": 1, "rules": [', '{ "version": 2 }', '', '{"version":1,"version":1}']) {
    const file = await fileIn(folder, text)
    t.equal((await appendRule(file, RULE, { now: 0 })).kind, 'invalid', JSON.stringify(text))
    t.equal(await readFile(file, 'utf8'), text)
  }
})

t.test('of answers in one moment none is lost', async t => {
  const file = await fileIn(t.testdir({}))
  const ids = Array.from({ length: 8 }, (_, at) => `n${at}`)
  await Promise.all(ids.map(id => appendRule(file, { ...RULE, id }, { now: 0 })))
  const loaded = parsePolicy(await readFile(file, 'utf8'), { now: 0 })
  t.strictSame(loaded.kind === 'policy' && loaded.document.rules?.map(({ id }) => id), ['a', ...ids])
})

t.test('a file that is not there is said not to be', async t => {
  await t.rejects(appendRule(join(t.testdir({}), 'none.json'), RULE), { code: 'E_POLICY_UNREADABLE' })
  const file = await fileIn(t.testdir({}))
  t.match(await appendRule(file, RULE, { now: 0 }), { kind: 'policy' }, 'and keeps nobody else waiting')
})

t.test('any rule can be taken out, whatever stands in the others', async t => {
  const rules = ['{ "id": "a", "host": "a.example.com", "note": "a, ] } \\" {" }', '{ "id": "b", "host": ["b.example.com", "c.example.com"] }', '{ "id": "c", "host": "d.example.com" }']
  const text = `{ "version": 1, "rules": [${rules.join(', ')}] }`
  for (const at of rules.keys()) {
    const read = parsePolicy(withoutRule(text, at), { now: 0 })
    t.same(read.kind === 'policy' && read.source.rules?.map(({ id }) => id), ['a', 'b', 'c'].toSpliced(at, 1))
  }
})
