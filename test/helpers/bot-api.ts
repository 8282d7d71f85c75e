/** A stand-in for Telegram's Bot API on loopback: keeps what it was asked, and hands out the updates that a test puts in. */
import type { Test } from 'tap'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface BotApi {
  readonly root: string
  readonly token: string
  /** Calls but those that wait for updates, in order. */
  readonly calls: { readonly method: string, readonly body: Record<string, any> }[]
  /** Waits for the next call of a method that nobody has waited for. */
  next(method: string): Promise<Record<string, any>>
  /** A person presses a button. */
  press(data: string, at: { readonly chat: number, readonly message: number, readonly username?: string }): void
  /** From now on a method fails. */
  fail(method: string, status: number): void
  readonly isListening: boolean
}

export async function openBotApi(t: Test): Promise<BotApi> {
  const token = '123456:test-token-of-nobody'
  const calls: BotApi['calls'] = []
  const unseen: BotApi['calls'] = []
  const waiting = new Set<() => void>()
  const failing = new Map<string, number>()
  const updates: object[] = []
  let polling: ServerResponse | null = null
  let messages = 0
  let updateId = 0

  function deliver(): void {
    if (polling === null || updates.length === 0) return
    polling.end(JSON.stringify({ ok: true, result: updates.splice(0) }))
    polling = null
  }

  function resultOf(method: string, body: Record<string, any>): unknown {
    if (method === 'getMe') return { id: 1, is_bot: true, first_name: 'gate', username: 'gate_bot' }
    if (method === 'sendMessage') return { message_id: ++messages, date: 0, chat: { id: body['chat_id'], type: 'private' } }
    return true
  }

  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) text += chunk
    const [, bot = '', method = ''] = (request.url ?? '').split('/')
    const body = (text === '' ? {} : JSON.parse(text)) as Record<string, any>
    const status = bot === `bot${token}` ? failing.get(method) : 401
    if (status !== undefined) return void response.writeHead(status).end(JSON.stringify({ ok: false, error_code: status, description: 'refused by the test' }))
    if (method === 'getUpdates') {
      if (body['timeout'] === undefined || body['timeout'] === 0) return void response.end('{"ok":true,"result":[]}')
      polling = response.on('close', () => { if (polling === response) polling = null })
      return deliver()
    }
    const call = { method, body }
    calls.push(call)
    unseen.push(call)
    response.end(JSON.stringify({ ok: true, result: resultOf(method, body) }))
    for (const wake of waiting) wake()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => { server.close(); server.closeAllConnections() })

  return {
    root: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    calls,
    next: method => new Promise(resolve => {
      const look = (): void => {
        const at = unseen.findIndex(call => call.method === method)
        if (at === -1) return void waiting.add(look)
        waiting.delete(look)
        resolve(unseen.splice(at, 1)[0]!.body)
      }
      look()
    }),
    press(data, { chat, message, username = 'anna' }) {
      updates.push({ update_id: ++updateId, callback_query: { id: String(updateId), from: { id: 7, is_bot: false, first_name: 'A', username }, chat_instance: '1', data, message: { message_id: message, date: 0, chat: { id: chat, type: 'private' } } } })
      deliver()
    },
    fail(method, status) { failing.set(method, status) },
    get isListening() { return polling !== null },
  }
}
