/**
 * Text from outside, made safe to show: on a terminal, in a chat, on a page.
 *
 * The promise: nothing that comes out of here can move the cursor, turn the reading direction, hide or
 * join characters, or push what matters out of sight. What would do so is written as `\u{…}`.
 * Pure; it changes what is shown and never what is judged.
 */
import { domainToUnicode } from 'node:url'
import type { Asker } from './hold.ts'
import type { Facts } from './request.ts'

/**
 * Controls, formats (bidi, zero-width, tags), lone surrogates, private and unassigned characters, every
 * space and line separator but U+0020, and what a font may leave out (fillers, variation selectors).
 */
const UNSAFE = /[\p{C}\p{Default_Ignorable_Code_Point}]|(?! )\p{Z}|\u2800/u
const LETTER = /\p{L}/u
const MARK = /\p{M}/u
/** Marks on one letter. No orthography needs more; a pile of them reaches into other lines. */
const MAX_MARKS = 3

/**
 * @param max longest result, in UTF-16 units; what is too long is cut in the middle with `…`, never inside an escape
 */
export function visible(text: string, max: number): string {
  const { head, tail, isWhole } = bothEnds(text, max)
  const pieces = shown(head)
  if (isWhole && lengthOf(pieces) <= max) return pieces.join('')
  if (max < 1) return ''
  const behind = fitting(shown(isWhole ? head : tail).reverse(), Math.floor((max - 1) / 2)).reverse()
  // A mark whose letter was cut off would sit on the `…`.
  while (behind[0] !== undefined && MARK.test(behind[0])) behind.shift()
  return [...fitting(pieces, Math.ceil((max - 1) / 2)), '…', ...behind].join('')
}

/**
 * `host:port`, an IPv6 address in brackets. The registrable domain and the port are never cut away: a name
 * that is too long loses its left part, where whoever owns the domain may write what they like.
 *
 * @param registrable the registrable domain; null: not known, then the last four labels stay
 */
export function displayHost(host: string, port: number, registrable: string | null = null): string {
  const name = visible(host.includes(':') ? `[${host}]` : host, MAX_NAME)
  const isOwn = registrable !== null && (name === registrable || name.endsWith(`.${registrable}`))
  const kept = isOwn ? registrable : name.split('.').slice(-4).join('.')
  const shownLength = Math.max(kept.length, MAX_HOST - 1)
  return `${name.length <= MAX_HOST ? name : `…${name.slice(-shownLength)}`}:${port}`
}

/** Longest name shown in full. */
const MAX_HOST = 80
/** The longest name that exists has 253 bytes. */
const MAX_NAME = 256

/** The name as it reads in Unicode, where that differs from the host; null where it does not or where it does not decode. */
export function unicodeForm(host: string): string | null {
  if (!/(?:^|\.)xn--/i.test(host)) return null
  const unicode = domainToUnicode(host)
  return unicode === '' || unicode === host ? null : visible(unicode, MAX_NAME)
}

const MAX_LINE_PATH = 120
const MAX_CLIENT = 40
const MAX_METHOD = 40

/**
 * The whole question in one line, for example `agent-1 asks: POST https api.example.com:443 "/v1/items"`.
 * What the client made up stands in quotes, where it can't be taken for our words.
 */
export function describeLine(facts: Facts, registrable: string | null = null): string {
  const where = displayHost(facts.host, facts.port, registrable)
  const unicode = unicodeForm(facts.host)
  const named = unicode === null ? where : `${where} (reads "${quotable(unicode)}")`
  const client = visible(facts.client, MAX_CLIENT)
  if (facts.kind === 'stream') return `${client} asks: a ${facts.scheme} stream to ${named}`
  const methods = facts.methods.map(method => visible(method, MAX_METHOD)).slice(0, 3).join(' or ')
  return `${client} asks: ${methods} ${facts.scheme} ${named} "${quotable(visible(facts.target, MAX_LINE_PATH))}"`
}

function quotable(text: string): string {
  return text.replaceAll('"', '\\u{22}')
}

/** The process in one line, for example `/usr/bin/python3 agent.py (pid 4711, started by bash, sshd)`; '' where there is none. */
export function describeAsker(asker: Asker | null): string {
  if (asker === null) return ''
  const { pid, executable, commandLine, parents } = asker
  const startedBy = parents.length === 0 ? '' : `, started by ${parents.map(({ name }) => name).join(', ')}`
  return `${commandLine ?? executable ?? 'a process'} (pid ${pid}${startedBy})`
}

/** Enough of each end for `max` units, so that a long text costs no more than a short one. */
function bothEnds(text: string, max: number): { readonly head: string, readonly tail: string, readonly isWhole: boolean } {
  const reach = Math.max(max, 0) * 2 + 2
  if (text.length <= 2 * reach) return { head: text, tail: '', isWhole: true }
  return { head: text.slice(0, reach), tail: text.slice(-reach), isWhole: false }
}

/** One piece per character: itself, or its escape. */
function shown(text: string): string[] {
  const pieces: string[] = []
  /** Marks that may still follow. */
  let marks = 0
  for (const character of text) {
    const isMark = MARK.test(character)
    if (isMark) marks--
    else marks = LETTER.test(character) ? MAX_MARKS : 0
    pieces.push(UNSAFE.test(character) || (isMark && marks < 0) ? escaped(character) : character)
  }
  return pieces
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16) ?? ''}}`
}

/** The first pieces that together are not longer than `max`. */
function fitting(pieces: readonly string[], max: number): string[] {
  let length = 0
  const end = pieces.findIndex(piece => (length += piece.length) > max)
  return pieces.slice(0, end === -1 ? pieces.length : end)
}

function lengthOf(pieces: readonly string[]): number {
  return pieces.reduce((length, piece) => length + piece.length, 0)
}
