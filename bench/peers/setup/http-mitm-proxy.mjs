/**
 * http-mitm-proxy: its handlers of connections and requests answer 403 to whatever goes elsewhere.
 * https://github.com/joeferner/node-http-mitm-proxy#readme (onRequest, listen)
 */
import { readFileSync } from 'node:fs'
import { Proxy } from 'http-mitm-proxy'

const { CONFORMANCE_DIR, CONFORMANCE_PORT, PEER_DIR } = process.env
const { lanes } = JSON.parse(readFileSync(`${CONFORMANCE_DIR}/setup.json`, 'utf8'))
const allowed = new Set(lanes.map(lane => lane.allowed))

const proxy = new Proxy()
proxy.onError(() => {})
proxy.onConnect((request, socket, head, next) => {
  if (allowed.has(request.url.replace(/:443$/, ''))) return next()
  socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
})
proxy.onRequest((ctx, next) => {
  const { host, port } = ctx.proxyToServerRequestOptions
  // Where it goes, and whom it names.
  const named = (ctx.clientToProxyRequest.headers.host ?? '').replace(ctx.isSSL ? /:443$/ : /:80$/, '')
  if (allowed.has(host) && allowed.has(named) && Number(port) === (ctx.isSSL ? 443 : 80)) return next()
  ctx.proxyToClientResponse.writeHead(403, { 'Content-Length': 0 })
  ctx.proxyToClientResponse.end()
})
proxy.listen({ host: '127.0.0.1', port: Number(CONFORMANCE_PORT), sslCaDir: PEER_DIR })
