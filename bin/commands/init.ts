/** `sallyport init`: a first policy, and what to do next. */
import { writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { OperatorError, starterPolicy } from '../../lib/index.ts'
import { printJson, printLine } from '../output.ts'

export function addInit(program: Command): void {
  program.command('init')
    .description('write a first policy with comments, and say what to do next')
    .argument('[file]', 'where to write it', 'policy.json')
    .option('--json', 'print JSON')
    .action(async (file: string, { json }: { json?: boolean }) => {
      try {
        await writeFile(file, starterPolicy(), { flag: 'wx' })
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code
        throw new OperatorError('E_OPTION_INVALID', code === 'EEXIST'
          ? { option: file, problem: 'it exists already, and a policy is never overwritten', fix: 'Name another file: sallyport init other.json' }
          : { option: file, problem: `it cannot be written (${code ?? 'unknown'})`, fix: 'Name a file in a folder that you can write to.' }, error)
      }
      if (json) return printJson({ policy: file })
      printLine(`wrote ${file}

Next:
  1. edit the hosts in it             sallyport check ${file}
  2. see what it says of a request    sallyport explain ${file} GET https://api.example.com/v1/models
  3. start the proxy                  sallyport serve --policy ${file}
  4. in the agent's shell             eval "$(sallyport env --shell)"
  5. answer what it asks              sallyport term   (or sallyport pending --watch)`)
    })
}
