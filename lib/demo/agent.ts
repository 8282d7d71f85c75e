/** The demo's agent: sends one HTTPS request through the proxy, as any client does that honours HTTPS_PROXY. */
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

export interface Reply {
  readonly status: number
  readonly body: string
}

export interface AgentOptions {
  /** Of the proxy. */
  readonly proxy: { readonly host: string, readonly port: number }
  /** The proxy's CA, PEM: all that the agent trusts. */
  readonly ca: string
}

export async function fetchThrough(options: AgentOptions, method: string, host: string, port: number, path: string): Promise<Reply> {
  const tunnel = await openTunnel(options, `${host}:${port}`)
  const secure = connectTls({ socket: tunnel, servername: host, ca: options.ca })
  try {
    return await new Promise<Reply>((resolve, reject) => {
      const request = httpsRequest({ method, host, port, path, createConnection: () => secure, headers: { 'User-Agent': 'demo-agent/1' } }, response => {
        let body = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => { body += chunk })
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      })
      request.once('error', reject)
      secure.once('error', reject)
      request.end(method === 'POST' ? '{"text":"hello"}' : undefined)
    })
  } finally {
    secure.destroy()
  }
}

function openTunnel({ proxy }: AgentOptions, authority: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const connect = httpRequest({ ...proxy, method: 'CONNECT', path: authority, headers: { Host: authority } })
    connect.once('connect', (response, socket) => {
      if (response.statusCode === 200) resolve(socket as Socket)
      else reject(new Error(`the proxy answered CONNECT with ${response.statusCode}`))
    })
    connect.once('error', reject)
    connect.end()
  })
}
