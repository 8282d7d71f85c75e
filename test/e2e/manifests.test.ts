/**
 * The manifests of the examples, as far as that goes without an engine: their shape, that what they start is a command
 * of the program, and that what holds an agent is in them. The steps themselves: test/integration/transparent.test.ts.
 */
import t from 'tap'
import { Ajv } from 'ajv'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseAllDocuments } from 'yaml'
import { checkPolicy } from '../../lib/index.ts'

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const documents = (path: string): unknown[] => parseAllDocuments(readFileSync(file(path), 'utf8')).map(document => {
  t.strictSame([...document.errors, ...document.warnings].map(String), [], path)
  return document.toJS() as unknown
})

const closed = (properties: object, required: string[] = []): object => ({ type: 'object', additionalProperties: false, properties, required })
const map = (values: object): object => ({ type: 'object', additionalProperties: values })
const list = (items: object): object => ({ type: 'array', minItems: 1, items })
const text = { type: 'string' }
const flag = { type: 'boolean' }
const count = { type: 'integer' }

/** Of the Compose specification, what is used, with its types: nothing misspelled, nothing in the wrong place. */
const COMPOSE = closed({
  services: map(closed({
    build: text, image: text, user: text, read_only: flag, network_mode: text, command: list(text), environment: map(text), volumes: list(text), tmpfs: list(text),
    cap_drop: list(text), cap_add: list(text), security_opt: list(text),
    healthcheck: closed({ test: list(text), interval: { type: 'string', pattern: '^\\d+s$' }, retries: count }, ['test']),
    depends_on: map(closed({ condition: { enum: ['service_started', 'service_healthy', 'service_completed_successfully'] } }, ['condition'])),
    deploy: closed({ resources: closed({ reservations: closed({ devices: list(closed({ driver: text, count: { enum: ['all', 1] }, capabilities: list(text) }, ['capabilities'])) }) }) }),
  })),
  volumes: map(closed({})),
}, ['services'])

/** Of the Kubernetes API, v1, likewise. */
const CONTAINER = closed({
  name: text, image: text, restartPolicy: { const: 'Always' }, command: list(text), args: list(text),
  securityContext: closed({ runAsUser: count, runAsNonRoot: flag, allowPrivilegeEscalation: flag, readOnlyRootFilesystem: flag, capabilities: closed({ drop: list(text), add: list(text) }) }),
  env: list(closed({ name: text, value: text }, ['name', 'value'])),
  resources: closed({ limits: map(count) }),
  startupProbe: closed({ exec: closed({ command: list(text) }, ['command']), periodSeconds: count, failureThreshold: count }),
  volumeMounts: list(closed({ name: text, mountPath: { type: 'string', pattern: '^/' }, readOnly: flag }, ['name', 'mountPath'])),
}, ['name', 'image'])
const head = { apiVersion: { const: 'v1' }, metadata: closed({ name: text }, ['name']) }
const KUBERNETES = { oneOf: [
  closed({ ...head, kind: { const: 'ConfigMap' }, data: map(text) }, ['apiVersion', 'kind', 'metadata']),
  closed({
    ...head, kind: { const: 'Pod' },
    spec: closed({
      automountServiceAccountToken: flag, shareProcessNamespace: flag, hostNetwork: flag, initContainers: list(CONTAINER), containers: list(CONTAINER),
      volumes: list(closed({ name: text, emptyDir: closed({ medium: { const: 'Memory' } }), configMap: closed({ name: text }, ['name']) }, ['name'])),
    }, ['containers']),
  }, ['apiVersion', 'kind', 'metadata', 'spec']),
] }

interface Service { command: string[], user: string, network_mode?: string, cap_drop: string[], cap_add?: string[], volumes: string[], depends_on?: Record<string, { condition: string }>, healthcheck?: { test: string[] } }
interface Container { name: string, command?: string[], args?: string[], securityContext: { runAsUser: number, allowPrivilegeEscalation: boolean, capabilities: { drop: string[], add?: string[] } }, startupProbe?: { exec: { command: string[] } }, volumeMounts?: { name: string }[] }

const [compose] = documents('examples/docker-compose/compose.yaml') as [{ services: Record<'firewall' | 'redirect' | 'agent', Service> }]
const kubernetes = documents('examples/kubernetes/pod.yaml') as [{ data: Record<string, string> }, { spec: { initContainers: [Container, Container], containers: [Container] } }]
const ajv = new Ajv({ allErrors: true })

t.test('each manifest has the shape that its engine takes', async t => {
  for (const [schema, manifests] of [[COMPOSE, [compose]], [KUBERNETES, kubernetes]] as const) {
    const validate = ajv.compile(schema)
    for (const manifest of manifests) {
      validate(manifest)
      t.strictSame(validate.errors ?? [], [])
    }
    t.notOk(validate({ ...manifests[0], servics: {} }), 'a mistake is seen')
  }
})

t.test('the agent waits for the rules, has no capability, another user, and never the folder with the key', async t => {
  const { firewall, redirect, agent } = compose.services
  t.match(redirect.depends_on, { firewall: { condition: 'service_healthy' } })
  t.match(agent.depends_on, { redirect: { condition: 'service_completed_successfully' } })
  t.strictSame([redirect.network_mode, agent.network_mode], ['service:firewall', 'service:firewall'])
  t.strictSame([firewall, redirect, agent].map(({ cap_drop, cap_add }) => [cap_drop, cap_add]), [[['ALL'], undefined], [['ALL'], ['NET_ADMIN']], [['ALL'], undefined]])
  t.strictSame([firewall.user, redirect.command[3], agent.user], ['1337', '1337', '1000'])
  t.strictSame(agent.volumes, ['trust:/trust:ro'])

  const { initContainers: [sidecar, init], containers: [container] } = kubernetes[1].spec
  t.strictSame([sidecar.name, init.name], ['firewall', 'redirect'], 'in this order')
  t.strictSame([sidecar, init, container].map(({ securityContext: { capabilities } }) => [capabilities.drop, capabilities.add]), [[['ALL'], undefined], [['ALL'], ['NET_ADMIN']], [['ALL'], undefined]])
  t.strictSame([sidecar.securityContext.runAsUser, init.command?.[3], container.securityContext.runAsUser], [1337, '1337', 1000])
  t.ok([sidecar, init, container].every(({ securityContext }) => !securityContext.allowPrivilegeEscalation))
  t.strictSame(container.volumeMounts?.map(({ name }) => name), ['trust'])
})

t.test('the image has the user of the manifests, the folders that they mount, and what the step of the rules needs', async t => {
  const image = readFileSync(file('examples/docker-compose/Dockerfile'), 'utf8')
  const user = compose.services.firewall.user
  t.match(image, `RUN useradd --uid ${user} `)
  t.match(image, `\nUSER ${user}\n`, 'nothing in it runs as root unless a manifest says so')
  for (const volume of compose.services.firewall.volumes.map(line => line.split(':')[1]!).filter(path => !path.includes('.'))) t.match(image, new RegExp(`mkdir .*${volume}`), volume)
  t.match(image, 'nftables')
})

t.test('what they start is a command of the program, on the ports that the rules lead to, with a policy that stands', async t => {
  const { initContainers: [sidecar, init] } = kubernetes[1].spec
  const commands = [compose.services.firewall.command[2], sidecar.args?.[0]].flatMap(line => [...(line ?? '').matchAll(/sallyport [^&]+/g)].map(([command]) => command.trim().split(/\s+/)))
  commands.push(compose.services.redirect.command, init.command!, compose.services.firewall.healthcheck!.test.slice(1), sidecar.startupProbe!.exec.command)
  t.equal(commands.length, 8)
  const helps = new Map<string, string>()
  for (const [, ...words] of commands) {
    const names = words.slice(0, words.findIndex(word => word.startsWith('--')))
    const key = names.join(' ')
    if (!helps.has(key)) helps.set(key, spawnSync(process.execPath, [file('dist/bin/sallyport.js'), ...names, '--help'], { encoding: 'utf8' }).stdout)
    for (const word of words.filter(word => word.startsWith('--'))) t.match(helps.get(key), `${word} `, `${key} ${word}`)
  }
  const print = spawnSync(process.execPath, [file('dist/bin/sallyport.js'), 'redirect', '--uid', '1337'], { encoding: 'utf8' }).stdout
  for (const [, ...words] of commands.filter(([, name]) => name === 'serve')) {
    t.match(print, `redirect to :${words[words.indexOf('--transparent') + 1]!.split(':')[1]}\n`)
    t.match(print, `dnat ip to ${words[words.indexOf('--dns') + 1]}\n`)
  }
  for (const policy of [kubernetes[0].data['policy.json']!, readFileSync(file('examples/docker-compose/policy.json'), 'utf8')]) t.equal(checkPolicy(JSON.parse(policy)).kind, 'policy')
})
