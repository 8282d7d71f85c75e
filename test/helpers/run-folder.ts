/**
 * The tests of a folder in one process.
 *
 * A process of tap's costs a second before its first assertion. Tests that start no long-lived process and leave nothing
 * behind in their own need none to themselves; each file still runs alone when it is named.
 */
import t from 'tap'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** @param name a folder beside `helpers/` */
export async function runFolder(name: string): Promise<void> {
  // What a test starts is not measured, and tap's loaders would cost more than most of it.
  delete process.env['NODE_OPTIONS']
  const folder = new URL(`../${name}/`, import.meta.url)
  const files = readdirSync(fileURLToPath(folder), { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.test.ts')).sort()
  if (files.length === 0) throw new Error(`no test was found in ${name}/`)
  for (const file of files) {
    t.comment(`${name}/${file}`)
    await import(new URL(file, folder).href)
  }
}
