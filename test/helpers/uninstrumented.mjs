/**
 * What a test starts is not instrumented. tap gives every process that a test starts its loaders and its coverage, which cost more
 * time and memory than most of what such a process is there for: the program of `dist/`, which is not measured.
 */
import processOnSpawn from 'process-on-spawn'

// tap's own listener is there already, and is called before.
processOnSpawn.addListener(started => {
  const { NODE_OPTIONS, ...env } = started.env
  if (NODE_OPTIONS?.includes('@tapjs')) started.env = env
  return started
})
