/** `sallyport status`: health, limits, counts, the policy in force. */
import type { Command } from 'commander'
import { connectControl, findControl } from '../../lib/index.ts'
import type { BudgetTold } from '../../lib/index.ts'
import { printJson, printLine, spell, table } from '../output.ts'

export function addStatus(program: Command): void {
  program.command('status')
    .description('health, limits, counts, policy name and generation of the running firewall')
    .option('--control <path>', 'control socket (default: that of the single running firewall)')
    .option('--json', 'print JSON')
    .action(async (options: { control?: string, json?: boolean }) => {
      const path = options.control ?? await findControl(process.env)
      const status = await connectControl(path).status()
      if (options.json) return printJson(status)
      const { policy, counts, audit, ca } = status
      printLine(table([
        ['state', `${status.state}, pid ${status.pid}, up ${spell(status.uptimeMs)}, version ${status.version}`],
        ['proxy', status.listeners.join(' ') || 'no port is open'],
        ['policy', `${policy.name ?? 'without a name'}, generation ${policy.generation}, ${policy.rules} rules, unmatched: ${policy.unmatched}`],
        ...policy.problem === null ? [] : [['', `the last reload failed: ${policy.problem}`]],
        ['waiting', `${counts.waiting} requests for ${counts.questions} questions; ${counts.grants} grants`],
        ['flows', `${counts.flows}: ${counts.allowed} allowed, ${counts.denied} denied, ${counts.refused} refused, ${counts.held} held; ${counts.connections} connections open`],
        ...status.budgets.map((budget, at) => [at === 0 ? 'budgets' : '', `${budget.kind} ${budget.id}: ${spellBudget(budget)}`]),
        ['audit', audit.healthy ? 'healthy' : `FAILED: ${audit.problem}`],
        ['roots', status.roots],
        ['ca', `${ca.path}, until ${ca.expires.slice(0, 10)}`],
        ['limits', Object.entries(status.limits).map(([name, value]) => `${name} ${value}`).join(', ')],
        ...status.warnings.map(warning => ['warning', warning]),
      ]))
    })
}

function spellBudget({ uses, bytes, lastMinute }: BudgetTold): string {
  const meters = [[uses, 'uses'], [bytes, 'bytes'], [lastMinute, 'requests in the last minute']] as const
  return meters.flatMap(([meter, what]) => meter === null ? [] : [`${meter.spent} of ${meter.of} ${what}${meter.spent >= meter.of ? ', USED UP' : ''}`]).join('; ')
}
