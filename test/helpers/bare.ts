/**
 * A Node program in a process that nothing instruments. tap gives every process that a test starts its loaders and its
 * coverage, which cost more time and memory than most of what such a process is there for. So it runs the build.
 */
import { fileURLToPath } from 'node:url'

/** @returns what to spawn: `env` takes tap's variables off and becomes the program */
export function bare(program: URL, ...args: readonly string[]): readonly [command: string, args: readonly string[]] {
  return ['/usr/bin/env', ['-u', 'NODE_OPTIONS', '-u', 'NODE_V8_COVERAGE', process.execPath, fileURLToPath(program), ...args]]
}
