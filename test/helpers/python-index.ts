/** A package index for pip, of one project, `tiny`; its one wheel lies on another host. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openFolder } from './clients.ts'
import { startOrigin } from './origin.ts'
import type { Origin } from './origin.ts'

interface Teardown { teardown(call: () => unknown): void }

const WHEEL = 'tiny-1.0-py3-none-any.whl'

/** A wheel is a zip, and Python can make one. */
const MAKE = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1], 'w') as wheel:
    wheel.writestr('tiny.py', 'answer = 42\\n')
    wheel.writestr('tiny-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n')
    wheel.writestr('tiny-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')
    wheel.writestr('tiny-1.0.dist-info/RECORD', '')
`

export interface PythonIndex {
  readonly index: Origin
  readonly files: Origin
}

/** In the clear: `/simple/tiny/` on the one, `/packages/…` on the other, which is called by the name. */
export async function startPythonIndex(t: Teardown, filesHost: string): Promise<PythonIndex> {
  const path = join(openFolder(t), WHEEL)
  execFileSync('python3', ['-c', MAKE, path])
  const wheel = readFileSync(path)
  const files = await startOrigin(t, {
    answer: (request, response) => request.url === `/packages/${WHEEL}` ? response.writeHead(200, { 'Content-Length': wheel.length }).end(wheel) : response.writeHead(404).end(),
  })
  const page = `<!DOCTYPE html><a href="http://${filesHost}:${files.port}/packages/${WHEEL}#sha256=${createHash('sha256').update(wheel).digest('hex')}">${WHEEL}</a>`
  const index = await startOrigin(t, {
    answer: (request, response) => request.url === '/simple/tiny/' ? response.writeHead(200, { 'Content-Type': 'text/html' }).end(page) : response.writeHead(404).end(),
  })
  return { index, files }
}
