/** Variables and small files of a sandboxed command. */
import t from 'tap'
import { TRUST, surround } from '../../../lib/sandbox/surroundings.ts'

const OPTIONS = { resolvers: ['198.18.0.1'], resolverFile: '/run/resolv.conf', hostsFile: '/etc/hosts', hostname: 'box', hasJavaStore: false }

t.test('no variable of a proxy stays, however it is spelled', async t => {
  const { env } = surround({ HTTP_PROXY: 'x', https_proxy: 'x', ALL_PROXY: 'x', NO_PROXY: 'x', npm_config_https_proxy: 'x', npm_config_proxy: 'x', NODE_USE_ENV_PROXY: '1', PATH: '/bin' }, OPTIONS)
  t.strictSame(Object.keys(env).filter(name => /proxy/i.test(name)), [])
  t.equal(env['PATH'], '/bin')
})

t.test('no variable leads to a socket of the host', async t => {
  const { env } = surround({ SSH_AUTH_SOCK: '/run/agent', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/run/bus', DISPLAY: ':0', DOCKER_HOST: 'unix:///x', XDG_RUNTIME_DIR: '/run/user/1' }, OPTIONS)
  for (const name of ['SSH_AUTH_SOCK', 'DBUS_SESSION_BUS_ADDRESS', 'DISPLAY', 'DOCKER_HOST', 'XDG_RUNTIME_DIR']) t.notOk(name in env, name)
  t.equal(surround({ SSH_AUTH_SOCK: '/run/agent' }, { ...OPTIONS, kept: ['SSH_AUTH_SOCK'] }).env['SSH_AUTH_SOCK'], '/run/agent', 'but one that was named')
})

t.test('trust is overridden, not set if unset', async t => {
  const { env } = surround({ SSL_CERT_FILE: '/old', NODE_EXTRA_CA_CERTS: '/old', WGETRC: '/old' }, OPTIONS)
  t.equal(env['SSL_CERT_FILE'], TRUST.bundle)
  t.equal(env['NODE_EXTRA_CA_CERTS'], TRUST.ca)
  t.equal(env['WGETRC'], '/run/sallyport/wgetrc')
})

t.test('Java has its store beside its other options', async t => {
  t.equal(surround({ JAVA_TOOL_OPTIONS: '-Xmx1g' }, { ...OPTIONS, hasJavaStore: true }).env['JAVA_TOOL_OPTIONS'], `-Xmx1g -Djavax.net.ssl.trustStore=${TRUST.javaStore}`)
  t.notOk('JAVA_TOOL_OPTIONS' in surround({}, OPTIONS).env)
})

t.test('names are asked of the firewall, and of nobody else\'s hosts file', async t => {
  const { files } = surround({}, OPTIONS)
  t.match(files.find(file => file.path === '/run/resolv.conf')?.data, /^nameserver 198\.18\.0\.1\n/)
  t.match(files.find(file => file.path === '/etc/hosts')?.data, /127\.0\.1\.1 box/)
})
