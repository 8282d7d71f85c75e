import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { systemClock } from '../../../lib/model/clock.ts'
import { writeBundle } from '../../../lib/tls/bundle.ts'
import { createContexts } from '../../../lib/tls/contexts.ts'
import { clientEnvironment, clientFiles } from '../../../lib/tls/environment.ts'
import { canonical, freshDir, freshStore, whyNot } from './fresh.ts'

const OPTIONS = { proxyUrl: 'http://127.0.0.1:8080', caPath: '/ca/ca.crt', bundlePath: '/ca/ca-bundle.crt' }

t.test('every variable that carries trust or the proxy is there', async t => {
  const bundle = OPTIONS.bundlePath
  const proxy = OPTIONS.proxyUrl
  t.same(clientEnvironment(OPTIONS), {
    SSL_CERT_FILE: bundle, CURL_CA_BUNDLE: bundle, GIT_SSL_CAINFO: bundle, REQUESTS_CA_BUNDLE: bundle, PIP_CERT: bundle,
    NPM_CONFIG_CAFILE: bundle, CARGO_HTTP_CAINFO: bundle, AWS_CA_BUNDLE: bundle, CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE: bundle,
    NIX_SSL_CERT_FILE: bundle, GRPC_DEFAULT_SSL_ROOTS_FILE_PATH: bundle,
    NODE_EXTRA_CA_CERTS: OPTIONS.caPath, DENO_CERT: OPTIONS.caPath,
    HTTP_PROXY: proxy, http_proxy: proxy, HTTPS_PROXY: proxy, https_proxy: proxy, ALL_PROXY: proxy, all_proxy: proxy,
    NO_PROXY: 'localhost,127.0.0.1,::1', no_proxy: 'localhost,127.0.0.1,::1', NODE_USE_ENV_PROXY: '1',
  })
})

t.test('without a proxy there is trust alone', async t => {
  const names = Object.keys(clientEnvironment({ ...OPTIONS, proxyUrl: null }))
  t.notOk(names.some(name => /proxy/i.test(name)))
  t.equal(names.length, 13)
})

t.test('what is called directly can be chosen', async t => {
  const env = clientEnvironment({ ...OPTIONS, noProxy: '' })
  t.equal(env['NO_PROXY'], '')
  t.equal(env['no_proxy'], '')
})

t.test('clients that read files get them', async t => {
  t.same(clientFiles(OPTIONS).map(({ name, variable }) => [name, variable]), [['wgetrc', 'WGETRC'], ['apt.conf', 'APT_CONFIG']])
  t.equal(clientFiles({ ...OPTIONS, proxyUrl: null })[1]?.text, 'Acquire::https::CAInfo "/ca/ca-bundle.crt";\n')
  for (const bundlePath of ['/a"b', '/a\nb', '/a\0b']) {
    t.throws(() => clientFiles({ ...OPTIONS, bundlePath }), { code: 'E_OPTION_INVALID' })
  }
})

/** What each prints, once it trusts us, is `hello`. `$URL` is ours. */
const CLIENTS: readonly [program: string, script: string][] = [
  ['curl', 'curl -sS "$URL"'],
  ['wget', 'wget -qO- "$URL"'],
  ['git', 'git ls-remote "$URL"'],
  ['python3', 'python3 -c "import os, urllib.request as u; print(u.urlopen(os.environ[\'URL\']).read().decode(), end=\'\')"'],
  ['node', 'node -e "fetch(process.env.URL).then(r => r.text()).then(text => process.stdout.write(text))"'],
]

for (const [program, script] of CLIENTS) {
  t.test(`${program} trusts the CA through its variable, and only then`, { skip: whyNot(program) }, async t => {
    const store = await freshStore(t)
    const { contextFor } = createContexts(store, { clock: systemClock, max: 10 })
    const server = createServer({ SNICallback: (name, done) => done(null, contextFor(canonical(name), 'name')) }, (request, response) => {
      // git asks for its list of references before anything else.
      if (request.url?.startsWith('/info/refs') === true) response.setHeader('content-type', 'application/x-git-upload-pack-advertisement').end(REFERENCES)
      else response.end('hello')
    })
    server.on('tlsClientError', () => {})
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => { server.close(); server.closeAllConnections() })
    const url = `https://localhost:${(server.address() as AddressInfo).port}/`
    const options = { proxyUrl: null, caPath: store.certificatePath, bundlePath: writeBundle(store.dir, store, {}) }
    const home = freshDir(t)
    const files = clientFiles(options).map(({ name, variable, text }) => {
      writeFileSync(join(home, name), text)
      return [variable, join(home, name)]
    })
    const trusting = { ...clientEnvironment(options), ...Object.fromEntries(files) }
    t.match(await run(script, { URL: url, HOME: home, ...trusting }), /hello/)
    t.notMatch(await run(script, { URL: url, HOME: home }), /hello/, 'without them it does not')
  })
}

/** One reference, `refs/heads/hello`, in git's smart protocol. */
const REFERENCES = `001e# service=git-upload-pack\n0000${packet(`${'1'.repeat(40)} refs/heads/hello\0agent=a\n`)}0000`

function packet(line: string): string {
  return (line.length + 4).toString(16).padStart(4, '0') + line
}

const run = (script: string, env: Record<string, string>): Promise<string> => new Promise(done => {
  execFile('sh', ['-c', script], { env: { PATH: process.env['PATH'] ?? '', ...env } }, (_, stdout) => done(stdout))
})
