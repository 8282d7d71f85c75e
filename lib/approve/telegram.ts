/**
 * Questions in a Telegram chat, answered by its buttons. grammy is at home here, and nowhere else: its calls, its long
 * polling and its waiting where Telegram asks for it; `fetch` and a loop would replace it.
 *
 *   asked    a message in each chat: allow once, allow a rule for an hour, deny
 *   settled  by a button, or elsewhere: the buttons go, and the message says how it ended
 *
 * The promise: an answer counts only from a chat that the operator named, on a message of ours, for the question that stands in
 * it, once. What an agent wrote is sent as plain text, without previews: nobody fetches a link that it names.
 */
import { createRequire } from 'node:module'
import type { Api, Bot, Context } from 'grammy'
import type { UserFromGetMe } from 'grammy/types'
import { visible } from '../model/display.ts'
import { OperatorError } from '../model/errors.ts'
import type { Answer, Door, Pending } from '../model/hold.ts'
import { readAddress } from './address.ts'
import { messageOf } from './telegram-message.ts'
import type { Choice } from './telegram-message.ts'
import { createTurns } from './turns.ts'

export interface TelegramOptions {
  /** Of the bot, as BotFather gave it. */
  readonly token: string
  /** Ids of the chats that are asked and may answer. Whoever can write in a group of them can. At least one. */
  readonly chats: readonly number[]
  /** Of a Bot API server of one's own: `https:`, or `http:` to a loopback address. Default: Telegram's. */
  readonly apiRoot?: string
  /** Random text for a question's buttons; at least 96 bits. */
  readonly newId: () => string
}

export interface TelegramDoor extends Door {
  /** Stops listening for buttons; what is asked is closed. */
  close(): void
}

/** Questions that stand in the chats; those beyond wait in order. */
const MAX_OPEN = 20
const MAX_PROBLEM = 500
const MAX_NAME = 60
/** Of one call, in seconds; one that waits for buttons takes thirty. */
const CALL_S = 60

interface Open {
  readonly choices: readonly Choice[]
  readonly text: string
  readonly messages: Map<number, number>
  settle(choice: Choice, by: string): void
  fail(error: Error): void
}

/** @throws OperatorError E_OPTION_INVALID */
export function telegramDoor({ token, chats, apiRoot, newId }: TelegramOptions): TelegramDoor {
  if (chats.length === 0 || !chats.every(Number.isSafeInteger)) throw new OperatorError('E_OPTION_INVALID', { option: 'telegram', problem: chats.length === 0 ? 'no chat is named that may answer' : 'a chat is not named by its number', fix: 'Name the ids of the chats in "chats"; a bot is told the id of each chat that writes to it.' })
  if (!/^\d+:[\w-]{10,}$/.test(token)) throw new OperatorError('E_OPTION_INVALID', { option: 'telegram', problem: 'the token is none that a bot has', fix: 'Write the whole token that BotFather gave, 123456:ABC….' })
  // The token is a part of every address below it.
  const root = apiRoot === undefined ? null : readAddress(apiRoot, 'telegram').href.replace(/\/$/, '')
  const open = new Map<string, Open>()
  /** Groups of which one question stands in the chats: the others wait for its end. */
  const told = new Map<string, Promise<unknown>>()
  const turns = createTurns(MAX_OPEN)
  let listening: Bot | null = null
  let stopping: Promise<unknown> = Promise.resolve()
  let isClosed = false

  async function ask(held: Pending, signal: AbortSignal): Promise<Answer> {
    const group = held.kind === 'request' ? held.group.id : held.id
    for (let other = told.get(group); other !== undefined; other = told.get(group)) await unlessAborted(other, signal)
    const asking = inTurn(held, signal)
    told.set(group, asking.catch(() => {}))
    try {
      return await asking
    } finally {
      told.delete(group)
    }
  }

  async function inTurn(held: Pending, signal: AbortSignal): Promise<Answer> {
    const endTurn = await turns.take(signal)
    try {
      return await askNow(held, signal)
    } finally {
      endTurn()
    }
  }

  async function askNow(held: Pending, signal: AbortSignal): Promise<Answer> {
    if (isClosed) throw new Error('Telegram is not asked any more')
    const key = newId()
    const bot = listen()
    return new Promise((resolve, reject) => {
      const question: Open = {
        ...messageOf(held),
        messages: new Map(),
        settle(choice, by) {
          end(`${choice.says}, by ${by}.`)
          resolve({ ...choice.answer, by: `telegram ${by}` })
        },
        fail(error) {
          end('Nobody can answer here any more.')
          reject(error)
        },
      }
      const onAbort = (): void => {
        end('Settled elsewhere.')
        reject(signal.reason)
      }
      const end = (says: string): void => {
        signal.removeEventListener('abort', onAbort)
        open.delete(key)
        for (const [chat, message] of question.messages) void bot.api.editMessageText(chat, message, `${question.text}\n\n${says}`, PLAIN).catch(() => {})
        if (open.size === 0) stopListening()
      }
      open.set(key, question)
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      void tell(bot.api, key, question)
    })
  }

  /** In every chat; it is asked as long as one of them has it. */
  async function tell(api: Api, key: string, question: Open): Promise<void> {
    const keyboard = question.choices.map(({ text }, at) => [{ text, callback_data: `${key}:${at}` }])
    const sent = await Promise.allSettled(chats.map(async chat => {
      const { message_id } = await api.sendMessage(chat, question.text, { ...PLAIN, reply_markup: { inline_keyboard: keyboard } })
      if (open.get(key) === question) question.messages.set(chat, message_id)
      else await api.editMessageText(chat, message_id, `${question.text}\n\nSettled before it was told.`, PLAIN)
    }))
    const [failed] = sent.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[]
    if (failed !== undefined && question.messages.size === 0 && open.get(key) === question) question.fail(new Error(`Telegram cannot be told: ${problemOf(failed.reason)}`))
  }

  async function pressed(context: Context): Promise<void> {
    const { data = '', message, from } = context.callbackQuery!
    const [key = '', at = ''] = data.split(':')
    const question = open.get(key)
    const chat = message?.chat.id
    const isOurs = question !== undefined && chat !== undefined && chats.includes(chat) && question.messages.get(chat) === message?.message_id
    const choice = isOurs && /^\d$/.test(at) ? question.choices[Number(at)] : undefined
    // The answer counts from now on, however long Telegram takes to show that it does.
    if (choice !== undefined) question!.settle(choice, visible(from.username ?? String(from.id), MAX_NAME))
    await context.answerCallbackQuery({ text: choice === undefined ? 'This was settled before, or cannot be answered here.' : choice.says }).catch(() => {})
  }

  function listen(): Bot {
    if (listening !== null) return listening
    const { Bot } = createRequire(import.meta.url)('grammy') as typeof import('grammy')
    const bot = listening = new Bot(token, { botInfo: NOBODY, client: { timeoutSeconds: CALL_S, ...root === null ? {} : { apiRoot: root } } })
    bot.on('callback_query', pressed)
    bot.catch(() => {})
    // Ends only where it cannot go on: the token is not valid, or somebody else listens with it.
    // Two that listen with one token are refused by Telegram, so the one before has ended first.
    stopping.then(() => listening === bot ? bot.start({ allowed_updates: ['callback_query'] }) : undefined).catch((error: unknown) => {
      // One that was told to stop is missed by nobody.
      if (listening !== bot) return
      listening = null
      for (const question of [...open.values()]) question.fail(new Error(`Telegram cannot be heard: ${problemOf(error)}`))
    })
    return bot
  }

  function stopListening(): void {
    const bot = listening
    listening = null
    if (bot !== null) stopping = Promise.allSettled([stopping, bot.stop()])
  }

  return {
    name: 'telegram',
    ask: (held, { signal }) => ask(held, signal),
    close() {
      isClosed = true
      for (const question of [...open.values()]) question.fail(new Error('Telegram is not asked any more'))
      stopListening()
    },
  }
}

/** Nothing here asks who the bot is; finding that out is tried for ever where Telegram cannot be reached, and nobody could stop it. */
const NOBODY = { id: 0, is_bot: true, first_name: '', username: '' } as UserFromGetMe
const PLAIN = { link_preview_options: { is_disabled: true } } as const

/** Telegram's own words; grammy's never hold the token unless it is told to log what is sensitive. */
function problemOf(error: unknown): string {
  return visible(error instanceof Error ? error.message : 'unknown error', MAX_PROBLEM)
}

function unlessAborted(waiting: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) return stop()
    signal.addEventListener('abort', stop, { once: true })
    void waiting.then(() => {
      signal.removeEventListener('abort', stop)
      resolve()
    })
  })
}
