/** What is being typed, with what it is for and what is wrong with it. Pure. */
import { promptRows } from './layout.ts'
import { line, span, wrap, type Line } from './lines.ts'
import type { Prompt, State } from './state.ts'
import { count } from './words.ts'

export function paintPrompt(state: State, prompt: Prompt, width: number): readonly Line[] {
  const { label, hint } = words(state, prompt)
  // A bar and no cursor of the terminal's: it shows without colour, too, and where text is wrapped.
  const lines = wrap(`${label}${prompt.before}▏${prompt.after}`, width - 1, { indent: 1 })
  const room = promptRows(prompt.before.length + prompt.after.length, width) - 1
  const caret = Math.floor((label.length + prompt.before.length) / Math.max(width - 2, 8))
  const first = Math.max(Math.min(caret - room + 1, lines.length - room), 0)
  const shown = lines.slice(first, first + room)
  const [head, ...rest] = shown
  const text = first === 0 && head !== undefined ? [[span(` ${label}`, 'accent'), span(head.map(({ text }) => text).join('').slice(1 + label.length))], ...rest] : shown
  return [...text, line(` ${prompt.problem ?? hint}`, prompt.problem === null ? 'faint' : 'bad')]
}

function words({ pane }: State, { kind, target }: Prompt): { readonly label: string, readonly hint: string } {
  const many = target === null || target.questions.length === 1 ? '' : ` all ${count(target.questions.length, 'question')}`
  switch (kind) {
    case 'reason': return { label: 'reason: ', hint: `Enter rejects${many === '' ? ' it' : many}; the agent reads the reason. Esc goes back.` }
    case 'time': return { label: 'for: ', hint: 'Enter approves: 30s, 10m, 1h, 2d, or always (into the policy). Esc goes back.' }
    case 'rule': return { label: 'rule: ', hint: 'Enter puts it among the rules; then a or t approves it. Esc goes back.' }
    case 'filter': return pane === 'audit'
      ? { label: 'search: ', hint: 'Enter searches: words, host:example.com, action:deny. Esc shows all.' }
      : { label: 'filter: ', hint: 'Enter keeps it. Esc shows all.' }
    default: return kind satisfies never
  }
}
