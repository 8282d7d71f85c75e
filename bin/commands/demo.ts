/** `sallyport demo`: the main job in ten seconds, with everything on this machine. */
import type { Command } from 'commander'
import { runDemo } from '../../lib/index.ts'

export function addDemo(program: Command): void {
  program.command('demo')
    .description('a tour: one request allowed, one denied, one held until you answer')
    .option('--yes', 'answer the question for me')
    .action(async ({ yes }: { yes?: boolean }) => {
      const { isSound } = await runDemo({ answersItself: yes === true, input: process.stdin, output: process.stdout })
      process.exit(isSound ? 0 : 1)
    })
}
