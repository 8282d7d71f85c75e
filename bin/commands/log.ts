/** `sallyport log`: checks and shows an audit log. */
import { InvalidArgumentError } from 'commander'
import type { Command } from 'commander'
import { formatRecord, parseDuration, readLog, verifyLog } from '../../lib/index.ts'
import { isColorful, printJson, printLine } from '../output.ts'

interface ShowOptions {
  readonly host?: string
  readonly action?: string
  readonly since?: number
  readonly json?: boolean
}

export function addLog(program: Command): void {
  const log = program.command('log').description('check or show an audit log')
  log.command('verify')
    .description('check the hash chain; names the first bad line and exits 1')
    .argument('<file>', 'the log; its rotated files are read with it')
    .option('--json', 'print JSON')
    .action(async (file: string, { json }: { json?: boolean }) => {
      const verdict = await verifyLog(file)
      process.exitCode = verdict.kind === 'sound' ? 0 : 1
      if (json) return printJson(verdict)
      printLine(verdict.kind === 'sound'
        ? `sound: ${verdict.lines} records, one chain`
        : `BROKEN at ${verdict.file}, line ${verdict.line}: ${verdict.problem}`)
    })
  log.command('show')
    .description('readable lines')
    .argument('<file>', 'the log')
    .option('--host <name>', 'only this host')
    .option('--action <action>', 'only allow, deny, refuse or hold')
    .option('--since <time>', 'only from this time on: 1h, or 2026-01-31T12:00:00Z', since)
    .option('--json', 'print the records as they are')
    .action(async (file: string, { host, action, since, json }: ShowOptions) => {
      const filters = { ...host === undefined ? {} : { host }, ...action === undefined ? {} : { action }, ...since === undefined ? {} : { since } }
      const color = isColorful(process.stdout)
      for await (const record of readLog(file, filters)) {
        if (json) printJson(record)
        else printLine(formatRecord(record, { color }))
      }
    })
}

/** Milliseconds since 1970. */
function since(text: string): number {
  const ago = parseDuration(text)
  const time = ago === null ? Date.parse(text) : Date.now() - ago
  if (Number.isNaN(time)) throw new InvalidArgumentError('Write a length of time (30m, 2h) or a date (2026-01-31T12:00:00Z).')
  return time
}
