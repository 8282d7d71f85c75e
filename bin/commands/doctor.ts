/** `sallyport doctor`: what this machine lacks, and how to get it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { createFirewall, examine, isOperatorError, openCa, probe, systemClock } from '../../lib/index.ts'
import type { Finding } from '../../lib/index.ts'
import { printJson, printLine, table } from '../output.ts'

interface DoctorOptions {
  readonly certs?: string
  readonly clients: boolean
  readonly json?: boolean
}

export function addDoctor(program: Command): void {
  program.command('doctor')
    .description('look at this machine: what a sandbox needs, and whether each client works in one')
    .option('--certs <dir>', 'folder of the CA (default: $XDG_STATE_HOME/sallyport/ca)')
    .option('--no-clients', 'do not try the clients that are installed')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExit status: 0 nothing that is needed is missing, 1 something is.')
    .action(doctor)
}

async function doctor({ certs, clients, json }: DoctorOptions): Promise<void> {
  const ca = await openCa(certs, process.env).then(({ path, expires }) => ({ dir: dirname(path), expires }), (error: unknown) => {
    if (!isOperatorError(error)) throw error
    return { problem: error.message, fix: error.fix }
  })
  const found = await examine({ env: process.env, clock: systemClock, ca })
  const canStart = found.every(({ kind }) => kind !== 'no')
  const findings = canStart && clients && 'dir' in ca ? [...found, ...await tryClients(ca.dir)] : found
  if (json) printJson({ findings })
  else {
    printLine(table(findings.map(({ name, kind, says }) => [kind, name, says])))
    for (const { name, kind, fix } of findings) if (kind !== 'ok' && fix !== null) printLine(`\n${name}: ${fix}`)
    if (!canStart) printLine('\nSomething that is needed is missing; `sallyport run` would start nothing.')
  }
  process.exitCode = findings.some((finding: Finding) => finding.kind === 'no') ? 1 : 0
}

async function tryClients(certs: string): Promise<readonly Finding[]> {
  const cwd = mkdtempSync(join(tmpdir(), 'sallyport-doctor-'))
  const firewall = await createFirewall({ policy: { version: 1, name: 'doctor', unmatched: 'deny' }, certs, limits: { drainMs: 100 } })
  try {
    return await probe({ firewall, env: process.env, clock: systemClock, cwd })
  } finally {
    await firewall.close()
    rmSync(cwd, { recursive: true, force: true })
  }
}
