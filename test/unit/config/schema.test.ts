/** The schemas are for people and editors too, and what they say of a fault is for whoever wrote it. */
import t from 'tap'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFileSync, readdirSync } from 'node:fs'
import { checkAnswerShape, checkGrantShape, checkPolicyShape } from '../../../lib/config/schema.ts'
import { nearest } from '../../../lib/config/near.ts'

interface Schema { $ref?: string, description?: string, examples?: unknown[], additionalProperties?: unknown, type?: unknown, properties?: Record<string, Schema>, $defs?: Record<string, Schema> }

const read = (name: string): Schema => JSON.parse(readFileSync(new URL(`../../../schemas/${name}`, import.meta.url), 'utf8')) as Schema
const policy = read('policy.schema.json')
const approval = read('approval.schema.json')

t.test('every schema that comes along is one by JSON Schema 2020-12, which is not looked at again when it is used', async t => {
  const ajv = new Ajv2020({ strict: true, strictTypes: false })
  const names = readdirSync(new URL('../../../schemas', import.meta.url))
  t.ok(names.length >= 3)
  for (const name of names) t.ok(ajv.validateSchema(read(name)), `${name}: ${ajv.errorsText()}`)
  t.notOk(ajv.validateSchema({ type: 'number', minimum: '1' }), 'one that is none is found')
})

t.test('every property has a description and an example', async t => {
  for (const [name, schema] of [['policy', policy], ['approval', approval]] as const) {
    const objects = [schema, ...Object.values(schema.$defs ?? {})]
    for (const object of objects.filter(object => object.properties !== undefined)) {
      for (const [property, given] of Object.entries(object.properties!)) {
        const [file, pointer] = (given.$ref ?? '').split('#')
        const told = pointer === undefined ? given : (file === '' ? schema : policy).$defs?.[pointer.replace('/$defs/', '')]
        t.ok((told?.description ?? '').length > 5 && (told?.examples ?? []).length > 0, `${name}: ${property}`)
      }
    }
  }
})

t.test('every example is what it is an example of', async t => {
  const rule = policy.$defs!['rule']!
  for (const [property, { $ref = '' }] of Object.entries(rule.properties!)) {
    for (const example of policy.$defs![$ref.replace('#/$defs/', '')]!.examples!) {
      t.strictSame(checkPolicyShape({ version: 1, rules: [{ id: 'r', [property]: example }] }), [], `${property}: ${JSON.stringify(example)}`)
    }
  }
  for (const example of approval.examples!) t.strictSame(checkAnswerShape(example), [], JSON.stringify(example))
})

t.test('the form of a granted rule is that of a rule, with less in it', async t => {
  t.strictSame(checkGrantShape({ host: 'a.example.com', port: [443, '1-2'], method: 'GET' }), [])
  for (const property of Object.keys(policy.$defs!['rule']!.properties!)) {
    const isGrantable = ['id', 'host', 'cidr', 'port', 'scheme', 'method', 'access', 'path', 'query', 'onlyQuery', 'expires', 'maxUses', 'maxBytes', 'maxRequestsPerMinute', 'note'].includes(property)
    const isUnknown = checkGrantShape({ [property]: null }).some(({ problem }) => problem.startsWith('There is no property'))
    t.equal(isUnknown, !isGrantable, property)
  }
})

// [what it shows, document, pointer, words]
const faults: [string, unknown, string, RegExp][] = [
  ['a slip', { version: 1, rule: [] }, '/rule', /Write "rules"/],
  ['another product\'s word', { version: 1, rules: [{ id: 'r', comment: 'x' }] }, '/rules/0/comment', /Write "note"/],
  ['a word in upper case', { version: 1, rules: [{ id: 'r', action: 'Deny' }] }, '/rules/0/action', /"Deny" is no value of "action".*"allow", "hold" or "deny"/],
  ['a number in quotes', { version: 1, rules: [{ id: 'r', port: '443' }] }, '/rules/0/port', /without quotation marks/],
  ['a port beyond the last', { version: 1, rules: [{ id: 'r', port: [65_536] }] }, '/rules/0/port/0', /too large.*65535/],
  ['nothing where a rule belongs', { version: 1, rules: [null] }, '/rules/0', /is null/],
  ['what a terminal would obey', { version: 1, name: ['\u001b[2J'], '\u001b[2J': 1 }, '/\u001b[2J', /\\u/],
]
for (const [shows, document, pointer, words] of faults) {
  const found = checkPolicyShape(document).find(problem => problem.pointer === pointer)
  t.match(found === undefined ? '' : `${found.problem} ${found.fix}`, words, shows)
}

t.test('a name is taken for a slip of the nearest one, and of none that is far', async t => {
  const names = ['host', 'path', 'method', 'query']
  // [written, meant]
  const slips: [string, string | null][] = [['hots', 'host'], ['Path', 'path'], ['methods', 'method'], ['quer', 'query'], ['binary', null], ['', null], ['x', null], ['h'.repeat(100_000), null]]
  for (const [written, meant] of slips) t.equal(nearest(written, names), meant, written.slice(0, 20))
})
