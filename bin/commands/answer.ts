/** `sallyport approve` and `sallyport deny`: the operator's answer, over the control socket. */
import { Option } from 'commander'
import type { Command } from 'commander'
import { OperatorError, connectControl, findControl, isOperatorError } from '../../lib/index.ts'
import type { Answer, Approve, ControlClient, Pending, RuleShape } from '../../lib/index.ts'
import { count, duration, json, size } from '../arguments.ts'
import { printJson, printLine, spell } from '../output.ts'

interface ApproveOptions {
  readonly once?: boolean
  readonly ttl?: number
  readonly uses?: number
  readonly bytes?: number
  readonly perMinute?: number
  readonly always?: boolean
  readonly rule?: unknown
  readonly suggestion?: number
  readonly by?: string
  readonly note?: string
  readonly control?: string
  readonly json?: boolean
}

interface DenyOptions {
  readonly reason?: string
  readonly group?: boolean
  readonly ttl?: number
  readonly by?: string
  readonly note?: string
  readonly control?: string
  readonly json?: boolean
}

export function addAnswers(program: Command): void {
  program.command('approve')
    .description('let a held request go on, or grant what an agent asks for beforehand; success is printed once the data path has it')
    .argument('<id>', 'the question (sallyport pending)')
    .addOption(new Option('--once', 'this request only (default; of what is asked for beforehand: all its rules)').conflicts(['ttl', 'uses', 'bytes', 'perMinute', 'always', 'rule', 'suggestion']))
    .option('--ttl <time>', 'a rule for this long: 30m, 1h', duration)
    .option('--uses <n>', 'a rule for this many requests', count)
    .option('--bytes <size>', 'a rule for this many bytes, both ways together: 10M', size)
    .option('--per-minute <n>', 'a rule for so many requests a minute', count)
    .option('--always', 'add the rule to the policy file')
    .addOption(new Option('--rule <json>', 'the rule to grant, in the policy language; a list of rules, where rules were asked for').argParser(json).conflicts('suggestion'))
    .option('--suggestion <n>', 'grant one of the rules offered with the question (default with --ttl, --uses, --bytes, --per-minute or --always: 1)', count)
    .option('--by <name>', 'who decides, for the log', process.env['USER'])
    .option('--note <text>', 'why, for the log')
    .option('--control <path>', 'control socket (default: that of the single running firewall)')
    .option('--json', 'print JSON')
    .action(async (id: string, options: ApproveOptions) => {
      const control = connectControl(options.control ?? await findControl(process.env))
      const grant = await grantFor(id, options, control)
      await send(control, id, { verdict: 'approve', grant, ...who(options) }, options.json === true, grant)
    })

  program.command('deny')
    .description('deny a held request')
    .argument('<id>', 'the question (sallyport pending)')
    .option('--reason <text>', 'why; the agent reads it')
    .option('--group', 'deny every question like it that is open now')
    .option('--ttl <time>', 'remember the denial this long', duration)
    .option('--by <name>', 'who decides, for the log', process.env['USER'])
    .option('--note <text>', 'why, for the log')
    .option('--control <path>', 'control socket (default: that of the single running firewall)')
    .option('--json', 'print JSON')
    .action(async (id: string, options: DenyOptions) => {
      const control = connectControl(options.control ?? await findControl(process.env))
      const answer: Answer = {
        verdict: 'deny',
        ...options.reason === undefined ? {} : { reason: options.reason },
        ...options.ttl === undefined ? {} : { ttlMs: options.ttl },
        ...who(options),
      }
      const all = options.group ? await groupOf(id, control) : [id]
      for (const each of all) await send(control, each, answer, options.json === true, null).catch((error: unknown) => {
        // Others of the group may have been settled meanwhile, perhaps by what was just said.
        if (each === id || !isOperatorError(error) || error.code !== 'E_UNKNOWN_QUESTION') throw error
      })
    })
}

type Grant = Approve['grant']

async function grantFor(id: string, options: ApproveOptions, control: ControlClient): Promise<Grant> {
  const { ttl, uses, bytes, perMinute, always, rule, suggestion } = options
  const held = find(id, await control.pending())
  const terms = {
    ...ttl === undefined ? {} : { ttlMs: ttl },
    ...uses === undefined ? {} : { maxUses: uses },
    ...always === undefined ? {} : { persist: true },
  }
  if (held.kind === 'task') {
    if (suggestion !== undefined || options.once === true) throw new OperatorError('E_OPTION_INVALID', { option: suggestion === undefined ? '--once' : '--suggestion', problem: `question ${id} is about a whole task`, fix: 'Leave it out to grant all that is asked for, or write the rules with --rule.' })
    if (rule === undefined && bytes === undefined && perMinute === undefined) return { rules: 'asked', ...terms }
    const rules = rule === undefined ? held.rules.map(asked => asked.rule) : [rule].flat() as RuleShape[]
    return { rules: rules.map(each => limited(each, options)), ...terms }
  }
  if ([ttl, uses, bytes, perMinute, always, rule, suggestion].every(option => option === undefined)) return 'once'
  return { rule: limited(rule === undefined ? suggested(held, suggestion ?? 1) : rule as RuleShape, options), ...terms }
}

/** Each rule has a budget of its own. */
function limited(rule: RuleShape, { bytes, perMinute }: ApproveOptions): RuleShape {
  return { ...rule, ...bytes === undefined ? {} : { maxBytes: bytes }, ...perMinute === undefined ? {} : { maxRequestsPerMinute: perMinute } }
}

function suggested(held: Extract<Pending, { kind: 'request' }>, number: number): RuleShape {
  const suggestion = held.suggestions[number - 1]
  if (suggestion === undefined) throw new OperatorError('E_OPTION_INVALID', { option: '--suggestion', problem: `question ${held.id} offers ${held.suggestions.length} rules`, fix: 'Choose one that `sallyport pending` lists, or write one with --rule.' })
  return suggestion.rule
}

/** Every question that stands in the same group. */
async function groupOf(id: string, control: ControlClient): Promise<readonly string[]> {
  const pending = await control.pending()
  const held = find(id, pending)
  if (held.kind === 'task') return [id]
  return pending.filter(other => other.kind === 'request' && other.group.id === held.group.id).map(other => other.id)
}

function find(id: string, pending: readonly Pending[]): Pending {
  const held = pending.find(question => question.id === id)
  if (held === undefined) throw new OperatorError('E_UNKNOWN_QUESTION', { id })
  return held
}

async function send(control: ControlClient, id: string, answer: Answer, asJson: boolean, grant: Grant | null): Promise<void> {
  const result = await control.answer(id, answer)
  if (asJson) return printJson(result)
  const released = `${result.released} waiting ${result.released === 1 ? 'request' : 'requests'}`
  if (grant === null) return printLine(`denied ${id}: ${released} told`)
  const scope = grant === 'once' ? 'once' : result.persisted ? 'always, written into the policy' : grant.ttlMs === undefined ? 'until the firewall stops' : `for ${spell(grant.ttlMs)}`
  printLine(`approved ${id} (${scope}): ${released} released${grant === 'once' ? '' : `\n  ${'rules' in grant && grant.rules === 'asked' ? 'all that was asked for' : JSON.stringify('rule' in grant ? grant.rule : grant.rules)}`}`)
}

function who({ by, note }: { by?: string, note?: string }): { by?: string, note?: string } {
  return { ...by === undefined ? {} : { by }, ...note === undefined ? {} : { note } }
}
