/** `sallyport term`: everything that waits, of every firewall, on one screen. */
import type { Command } from 'commander'
import { OperatorError, openTerm, systemClock } from '../../lib/index.ts'
import { collect } from '../arguments.ts'
import { isColorful } from '../output.ts'

export function addTerm(program: Command): void {
  program.command('term')
    .description('a screen for the operator: what waits, grants, rules, traffic and the audit log, live')
    .option('--control <path>', 'control socket, repeatable (default: those of all running firewalls, found as they come and go)', collect)
    .option('--by <name>', 'who decides, for the log', process.env['USER'])
    .addHelpText('after', `
Keys:
  a approve as shown    o once    t for a time    e edit the rule    r reject, with a reason
  ↑↓ or 1-5 choose the rule    ←→ another question    A R the whole group    u undo
  / filter    Tab Pending, Grants, Rules, Traffic, Audit    ? help    q quit

Colours are left out where NO_COLOR is set. docs/term.md has more.`)
    .action(async (options: { control?: readonly string[], by?: string }) => {
      if (!process.stdin.isTTY || !process.stdout.isTTY) {
        throw new OperatorError('E_OPTION_INVALID', { option: 'sallyport term', problem: 'it needs a terminal', fix: 'Use `sallyport pending --watch`, `sallyport approve` and `sallyport deny` where there is none.' })
      }
      // Before they are loaded: React has a slow half for those who develop with it, and ink draws nothing where it believes that nobody looks.
      process.env['NODE_ENV'] ??= 'production'
      for (const name of Object.keys(process.env)) if (/^(?:CI|CI_.*|CONTINUOUS_INTEGRATION)$/.test(name)) delete process.env[name]
      await openTerm({
        controls: options.control ?? null,
        by: options.by ?? null,
        input: process.stdin,
        output: process.stdout,
        isColorful: isColorful(process.stdout),
        env: process.env,
        clock: systemClock,
      })
    })
}
