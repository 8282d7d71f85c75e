/** A mirror: files by their path, and nothing else. */
import { startOrigin } from './origin.ts'
import type { Origin } from './origin.ts'

interface Teardown { teardown(call: () => unknown): void }

/** In the clear. */
export function startFiles(t: Teardown, files: Readonly<Record<string, string | Uint8Array>>): Promise<Origin> {
  return startOrigin(t, {
    answer: (request, response) => {
      const found = files[request.url ?? '']
      const bytes = Buffer.from(found ?? '')
      response.writeHead(found === undefined ? 404 : 200, { 'Content-Length': bytes.length }).end(bytes)
    },
  })
}
