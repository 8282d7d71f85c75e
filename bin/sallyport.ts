#!/usr/bin/env node
/** The program. Each subcommand is one call into the library and some printing. */
import { Command } from 'commander'
import { VERSION } from '../lib/index.ts'
import { addAnswers } from './commands/answer.ts'
import { addAttach } from './commands/attach.ts'
import { addCa } from './commands/ca.ts'
import { addCheck } from './commands/check.ts'
import { addConformance } from './commands/conformance.ts'
import { addConsole } from './commands/console.ts'
import { addDemo } from './commands/demo.ts'
import { addDoctor } from './commands/doctor.ts'
import { addEnv } from './commands/env.ts'
import { addExplain } from './commands/explain.ts'
import { addInit } from './commands/init.ts'
import { addLog } from './commands/log.ts'
import { addMcp } from './commands/mcp.ts'
import { addPending } from './commands/pending.ts'
import { addPresets } from './commands/presets.ts'
import { addRedirect } from './commands/redirect.ts'
import { addRun } from './commands/run.ts'
import { addServe } from './commands/serve.ts'
import { addStatus } from './commands/status.ts'
import { addSuggest } from './commands/suggest.ts'
import { addTerm } from './commands/term.ts'
import { exitWith } from './failure.ts'

const HINT = 'Add --help to see what the command takes.'

const program = new Command('sallyport')
  .description('A transparent egress firewall for autonomous agents. What the policy allows passes at full speed, what it forbids is refused, and the rest waits, with the client still connected, while somebody decides.')
  .version(VERSION)
  .showSuggestionAfterError()
  .configureHelp({ sortSubcommands: false, sortOptions: false })
  .addHelpText('after', `
First steps:
  $ sallyport demo                                a tour in ten seconds: allowed, denied, held
  $ sallyport init                                writes a first policy.json and says what to do next
  $ sallyport run --policy policy.json -- bash    a shell with one way out; nothing to configure in it
  $ sallyport serve --policy policy.json          the proxy; prints its address when it is ready
  $ eval "$(sallyport env --shell)"               in the agent's shell: proxy and CA variables
  $ sallyport term                                in another terminal: what waits, and one key to answer it
  $ sallyport approve ID                          the same without a screen (sallyport pending lists)
  $ sallyport suggest audit.jsonl                 a policy from what was let through

Exit status: 0 done, 1 the answer is no, 2 a mistake in the call or the machine (explain: 0 allow, 3 hold, 1 deny).`)

for (const add of [addRun, addAttach, addServe, addInit, addStatus, addDemo, addCheck, addExplain, addPresets, addTerm, addConsole, addPending, addAnswers, addCa, addEnv, addLog, addSuggest, addRedirect, addMcp, addDoctor, addConformance]) add(program)
for (const command of allOf(program)) command.exitOverride().showHelpAfterError(HINT).showSuggestionAfterError()

try {
  await program.parseAsync()
} catch (error) {
  exitWith(error)
}

/** Commander asks each command by itself how to exit. */
function allOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allOf)]
}
