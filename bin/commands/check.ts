/** `sallyport check`: every problem of a policy, with pointer, sentence and fix. */
import type { Command } from 'commander'
import { formatProblem, loadPolicy, takenSettings } from '../../lib/index.ts'
import { printJson, printLine } from '../output.ts'

export function addCheck(program: Command): void {
  program.command('check')
    .description('every problem of a policy, and what its presets take from the settings of this machine; exit 0 when it would take effect, else 1')
    .argument('<files...>', 'policies')
    .option('--json', 'print JSON')
    .action(async (files: string[], { json }: { json?: boolean }) => {
      const results = []
      for (const file of files) {
        const loaded = await loadPolicy(file)
        const problems = loaded.kind === 'invalid' ? loaded.problems : []
        results.push({ file, valid: loaded.kind === 'policy', problems: [...problems, ...loaded.warnings], taken: loaded.kind === 'policy' ? takenSettings(loaded.source.use) : [] })
      }
      if (json) printJson({ files: results })
      else for (const { file, valid, problems, taken } of results) {
        for (const problem of problems) printLine(`${problem.severity}: ${formatProblem(problem, file)}`)
        for (const { preset, parameter, urls } of taken) printLine(`${file}: ${preset} takes "${parameter}" from this machine: ${urls.join(', ') || 'none'}`)
        printLine(`${file}: ${valid ? 'would take effect' : 'would NOT take effect'}${problems.length === 0 ? ', no problem found' : ''}`)
      }
      process.exitCode = results.every(result => result.valid) ? 0 : 1
    })
}
