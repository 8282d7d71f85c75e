/**
 * The first policy that somebody has: what most agents need, each rule with a note that says why it is there.
 */
import type { PolicyDocument } from '../model/policy.ts'

const STARTER: PolicyDocument = {
  $schema: './node_modules/sallyport/schemas/policy.schema.json',
  version: 1,
  name: 'my-agent',
  unmatched: 'hold',
  use: ['anthropic', { preset: 'github', access: 'read-only' }],
  rules: [
    { id: 'docs', host: ['example.com', '*.example.com'], access: 'read-only', note: 'An example: reading from one domain and its subdomains. Put your own hosts here.' },
    { id: 'no-gists', action: 'deny', host: ['gist.github.com', 'api.github.com'], path: ['/gists', '/gists/**'], note: 'A public place to leave data. A deny outranks every other rule.' },
    { id: 'ask-writes', action: 'hold', host: 'api.example.com', method: ['POST', 'PUT', 'PATCH', 'DELETE'], note: 'Somebody is asked about each of these. So they are about whatever no rule names.' },
    { id: 'no-original-url', action: 'deny', host: '**', anyHost: true, header: { 'x-original-url': '*' }, note: 'Some origins take another path from this field, past the rules above.' },
    { id: 'no-rewrite-url', action: 'deny', host: '**', anyHost: true, header: { 'x-rewrite-url': '*' }, note: 'As above.' },
  ],
}

/** @returns JSON, one rule a line; `check` finds nothing to say about it */
export function starterPolicy(): string {
  const { rules = [], ...head } = STARTER
  const members = Object.entries(head).map(([name, value]) => `  ${JSON.stringify(name)}: ${spaced(value)}`)
  return `{\n${members.join(',\n')},\n  "rules": [\n${rules.map(rule => `    ${spaced(rule)}`).join(',\n')}\n  ]\n}\n`
}

function spaced(value: unknown): string {
  return JSON.stringify(value, null, 1).replace(/\n */g, ' ')
}
