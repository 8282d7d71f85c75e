/** Telegram, by grammy against a stand-in of its API: who may answer, what is sent, and how it ends. */
import t from 'tap'
import type { Test } from 'tap'
import { telegramDoor } from '../../../lib/approve/telegram.ts'
import { messageOf } from '../../../lib/approve/telegram-message.ts'
import type { TelegramDoor } from '../../../lib/approve/telegram.ts'
import type { Pending } from '../../../lib/model/hold.ts'
import { openBotApi } from '../../helpers/bot-api.ts'
import type { BotApi } from '../../helpers/bot-api.ts'
import { sampleHeld, sampleTask } from '../../helpers/sample-held.ts'

const CHAT = 41
const held = sampleHeld()
let ids = 0

async function openDoor(t: Test, chats: readonly number[] = [CHAT]): Promise<{ readonly api: BotApi, readonly door: TelegramDoor, ask(question?: Pending, signal?: AbortSignal): ReturnType<TelegramDoor['ask']> }> {
  const api = await openBotApi(t)
  const door = telegramDoor({ token: api.token, chats, apiRoot: api.root, newId: () => `question-${++ids}` })
  t.teardown(() => door.close())
  return { api, door, ask: (question = held, signal = new AbortController().signal) => door.ask(question, { signal }) }
}

const buttons = (message: Record<string, any>): { text: string, callback_data: string }[] => (message['reply_markup'].inline_keyboard as { text: string, callback_data: string }[][]).flat()
const button = (message: Record<string, any>, text: string | RegExp): string => buttons(message).find(one => one.text.match(text))!.callback_data

t.test('a question is a message of plain text with buttons, and a button answers it once', async t => {
  const { api, ask } = await openDoor(t)
  const answer = ask(sampleHeld({ display: { ...held.display, line: 'GET http://a.test/*bold* <b>_', asker: 'python /agent.py', body: '{"text":"<b>_' } }))
  const message = await api.next('sendMessage')
  t.match(message, { chat_id: CHAT, text: /^Held: GET http:\/\/a\.test\/\*bold\* <b>_\nby python \/agent\.py, as it says\nits body begins: \{"text":"<b>_\nnote: first contact/, link_preview_options: { is_disabled: true } })
  t.notOk('parse_mode' in message, 'nothing in it is a command')
  t.strictSame(buttons(message).map(({ text }) => text), ['Once', '1 h: anything on this host', 'Deny'])
  api.press(button(message, 'Once'), { chat: CHAT, message: 1 })
  t.strictSame(await answer, { verdict: 'approve', grant: 'once', shown: held.shown, by: 'telegram anna' })
  t.match(await api.next('answerCallbackQuery'), { text: 'Allowed once' })
  t.match(await api.next('editMessageText'), { chat_id: CHAT, message_id: 1, text: /\n\nAllowed once, by anna\.$/ })
})

t.test('a rule for an hour, a denial, and a whole task', async t => {
  const { api, ask } = await openDoor(t)
  const grouped = ask(sampleHeld({ id: 'q7', group: { id: 'q7', questions: 3, waiting: 3, suggestion: { shape: 'group', says: 'all three', rule: { host: 'api.example.test', path: '/v1/**' } } } }))
  const first = await api.next('sendMessage')
  t.match(first['text'], 'one of 3 questions alike')
  api.press(button(first, /all three/), { chat: CHAT, message: 1 })
  t.match(await grouped, { grant: { rule: { path: '/v1/**' }, ttlMs: 3_600_000 } })

  const denied = ask()
  api.press(button(await api.next('sendMessage'), 'Deny'), { chat: CHAT, message: 2 })
  t.strictSame(await denied, { verdict: 'deny', by: 'telegram anna' })

  const task = ask(sampleTask())
  const third = await api.next('sendMessage')
  t.match(third['text'], /to write the digest[^]*\n1 h: GET https api\.example\.test.*\n  \{"host":/)
  api.press(button(third, /All of it/), { chat: CHAT, message: 3 })
  t.match(await task, { grant: { rules: 'asked', ttlMs: 3_600_000 }, shown: 't1.1' })
})

t.test('what does not stand in the message in full has no button', t => {
  const texts = ({ choices }: ReturnType<typeof messageOf>): string[] => choices.map(({ text }) => text)
  const rule = { host: 'api.example.test', path: `/v1/${'a'.repeat(900)}` }
  const few = messageOf(sampleTask({ rules: [1, 2].map(() => ({ rule, says: 'short', answers: [] })) }))
  t.match(few.text, JSON.stringify(rule))
  t.strictSame(texts(few), ['All of it, for an hour', 'Deny'])
  const many = messageOf(sampleTask({ rules: [1, 2, 3, 4].map(() => ({ rule, says: 'short', answers: [] })) }))
  t.match(many.text, /sallyport approve t1/)
  t.notMatch(many.text, 'aaa', 'not a part of it either')
  t.strictSame(texts(many), ['Deny'])

  const long = { shape: 'below', says: 'everything below', rule: { ...rule, path: `/${'b'.repeat(4_000)}/**` } } as const
  const mixed = messageOf(sampleHeld({ suggestions: [long, ...held.suggestions], display: { ...held.display, line: 'x'.repeat(5_000), asker: 'y'.repeat(5_000), body: 'z'.repeat(5_000) } }))
  t.strictSame(texts(mixed), ['Once', '1 h: anything on this host', 'Deny'])
  t.ok(mixed.text.length <= 3_500)
  t.end()
})

t.test('nobody else answers: not from another chat, not on another message, not with a made-up or a spent button', async t => {
  const { api, ask } = await openDoor(t)
  let isAnswered = false
  const answer = ask()
  void answer.then(() => { isAnswered = true })
  const message = await api.next('sendMessage')
  const once = button(message, 'Once')
  const wrong: [string, Parameters<BotApi['press']>[1]][] = [
    [once, { chat: 42, message: 1 }], [once, { chat: CHAT, message: 2 }], ['question-0:0', { chat: CHAT, message: 1 }],
    [once.replace(':0', ':9'), { chat: CHAT, message: 1 }], [once.replace(':0', ':__proto__'), { chat: CHAT, message: 1 }], [once.replace(':0', ''), { chat: CHAT, message: 1 }], ['', { chat: CHAT, message: 1 }],
  ]
  for (const [data, at] of wrong) {
    api.press(data, at)
    t.match(await api.next('answerCallbackQuery'), { text: /cannot be answered/ }, `${data} ${JSON.stringify(at)}`)
  }
  t.notOk(isAnswered)
  api.press(once, { chat: CHAT, message: 1 })
  t.match(await answer, { verdict: 'approve' })
  const next = ask(sampleHeld({ id: 'q8' }))
  await api.next('answerCallbackQuery')
  const second = await api.next('sendMessage')
  api.press(once, { chat: CHAT, message: 1 })
  t.match(await api.next('answerCallbackQuery'), { text: /settled before/ }, 'a button of a question that is over')
  api.press(button(second, 'Deny'), { chat: CHAT, message: 2 })
  t.match(await next, { verdict: 'deny' })
})

t.test('what is settled elsewhere says so, and nobody listens when nothing is asked', async t => {
  const { api, ask } = await openDoor(t, [CHAT, 43])
  const over = new AbortController()
  const answer = ask(held, over.signal).catch((error: Error) => error.message)
  t.strictSame([(await api.next('sendMessage'))['chat_id'], (await api.next('sendMessage'))['chat_id']].sort(), [CHAT, 43])
  while (!api.isListening) await new Promise(setImmediate)
  over.abort(new Error('answered at the terminal'))
  t.equal(await answer, 'answered at the terminal')
  for (const _ of [CHAT, 43]) t.match(await api.next('editMessageText'), { text: /Settled (?:elsewhere|before it was told)\.$/ })
  while (api.isListening) await new Promise(setImmediate)
})

t.test('of a group one question stands in the chat, and the next when that is over', async t => {
  const { api, ask } = await openDoor(t)
  const group = { id: 'q1', questions: 2, waiting: 2, suggestion: null }
  const first = ask(sampleHeld({ group }))
  const message = await api.next('sendMessage')
  const second = ask(sampleHeld({ id: 'q2', group }))
  const gone = new AbortController()
  const third = ask(sampleHeld({ id: 'q3', group }), gone.signal).catch((error: Error) => error.message)
  gone.abort(new Error('gone'))
  t.equal(await third, 'gone', 'it need not have been shown to be over')
  t.equal(api.calls.filter(({ method }) => method === 'sendMessage').length, 1)
  api.press(button(message, 'Once'), { chat: CHAT, message: 1 })
  await first
  api.press(button(await api.next('sendMessage'), 'Deny'), { chat: CHAT, message: 2 })
  t.match(await second, { verdict: 'deny' })
})

t.test('one that cannot be told, or not be heard, fails, without its token', async t => {
  const untold = await openDoor(t)
  untold.api.fail('sendMessage', 403)
  const problem = await untold.ask().then(() => '', (error: Error) => error.message)
  t.match(problem, /Telegram cannot be told.*403/)
  t.notMatch(problem, untold.api.token)

  const unheard = await openDoor(t)
  unheard.api.fail('getUpdates', 409)
  t.match(await unheard.ask().then(() => '', (error: Error) => error.message), /Telegram cannot be heard.*409/)

  const half = await openDoor(t, [CHAT, 44])
  const answer = half.ask()
  await half.api.next('sendMessage')
  half.door.close()
  await t.rejects(answer, { message: /not asked any more/ })
  await t.rejects(half.ask(), { message: /not asked any more/ })
})

t.test('a list of chats is never empty, and a token is one', async t => {
  const newId = (): string => 'x'
  t.throws(() => telegramDoor({ token: '1:aaaaaaaaaaaa', chats: [], newId }), { message: /no chat is named/ })
  t.throws(() => telegramDoor({ token: '1:aaaaaaaaaaaa', chats: [1.5], newId }), { message: /by its number/ })
  t.throws(() => telegramDoor({ token: '1:aaaaaaaaaaaa', chats: [1], apiRoot: 'http://bots.example.test', newId }), { message: /in the clear/ }, 'the token is a part of each address')
  t.throws(() => telegramDoor({ token: 'secret', chats: [1], newId }), { message: /token/ })
})
