/**
 * The proxy of sandbox-runtime, with its termination of TLS, as it stands beside a sandbox on Linux.
 * https://github.com/anthropic-experimental/sandbox-runtime#readme (Network Configuration, Resolved-address check)
 *
 * Names that lead to loopback need the address to be allowed too, as its readme says. Its clients are given a password when
 * a command is wrapped; those of the corpus have none, so it is handed to each request here.
 */
import { readFileSync } from 'node:fs'
import { Server } from 'node:http'
import { connect, createServer as createRelay } from 'node:net'
import { SandboxManager } from '@anthropic-ai/sandbox-runtime'

const { CONFORMANCE_DIR, CONFORMANCE_PORT } = process.env
const { lanes } = JSON.parse(readFileSync(`${CONFORMANCE_DIR}/setup.json`, 'utf8'))

const hosts = new Set(lanes.map(({ allowed }) => allowed))
const isAllowed = authority => hosts.has(authority.replace(/:(80|443)$/, ''))

const emit = Server.prototype.emit
Server.prototype.emit = function (event, request, ...more) {
  if ((event === 'request' || event === 'connect' || event === 'upgrade') && request.socket.encrypted !== true) {
    request.headers['proxy-authorization'] = `Basic ${Buffer.from(`srt:${SandboxManager.getProxyAuthToken()}`).toString('base64')}`
  }
  return emit.call(this, event, request, ...more)
}

await SandboxManager.initialize({
  network: {
    allowedDomains: lanes.flatMap(({ allowed, address }) => [allowed, address].flatMap(host => [`${host}:80`, `${host}:443`])),
    deniedDomains: [],
    tlsTerminate: {},
    // Where it goes, and whom it names.
    filterRequest: async ({ url, headers }) => ({ action: isAllowed(new URL(url).host) && isAllowed(headers.get('host') ?? '') ? 'allow' : 'deny' }),
  },
  filesystem: { denyRead: [], allowWrite: [], denyWrite: [] },
})

// It chooses its own port; this one is asked for.
createRelay({ allowHalfOpen: true }, client => {
  const proxy = connect({ host: '127.0.0.1', port: SandboxManager.getProxyPort(), allowHalfOpen: true })
  for (const [from, to] of [[client, proxy], [proxy, client]]) from.on('error', () => to.destroy()).pipe(to)
}).listen(Number(CONFORMANCE_PORT), '127.0.0.1')
