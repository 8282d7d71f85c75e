/** Where the package lies on the disk, be this file run from `lib/` or from `dist/lib/`. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

let known: string | null = null

/** @returns the folder that holds package.json */
export function packageRoot(): string {
  return known ??= rootAbove(dirname(fileURLToPath(import.meta.url)))
}

function rootAbove(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder
  const parent = dirname(folder)
  if (parent === folder) throw new Error('the package is incomplete: no package.json above its code')
  return rootAbove(parent)
}
