/** A registry of two packages, made with `npm pack`: `plain`, which depends on `@house/scoped`. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import { bareEnvironment, openFolder, runWell } from './clients.ts'
import type { Scheme } from './clients.ts'
import { startOrigin } from './origin.ts'
import type { Origin } from './origin.ts'

interface Teardown { teardown(call: () => unknown): void }

interface Packed {
  readonly manifest: { readonly name: string, readonly version: string }
  readonly tarball: Buffer
}

const MANIFESTS = [
  { name: '@house/scoped', version: '1.0.0' },
  { name: 'plain', version: '1.0.0', dependencies: { '@house/scoped': '^1.0.0' } },
]

/** Packs them; no network. */
export async function packPackages(t: Teardown): Promise<readonly Packed[]> {
  const root = openFolder(t)
  return Promise.all(MANIFESTS.map(async (manifest, index) => {
    const folder = join(root, String(index))
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    writeFileSync(join(folder, 'index.js'), `module.exports = '${manifest.name}'\n`)
    const { stdout } = await runWell(['npm', 'pack', '--silent'], { cwd: folder, env: bareEnvironment(root) })
    return { manifest, tarball: readFileSync(join(folder, stdout.trim())) }
  }))
}

export function startRegistry(t: Teardown, scheme: Scheme, packages: readonly Packed[]): Promise<Origin> {
  return startOrigin(t, { secure: scheme === 'https', answer: (request, response) => answer(scheme, packages, request, response) })
}

/** `/plain`, `/@house%2fscoped`, and below each `/-/1.0.0.tgz`. */
function answer(scheme: Scheme, packages: readonly Packed[], request: IncomingMessage, response: ServerResponse): void {
  const [name = '', file] = decodeURIComponent(request.url ?? '').slice(1).split('/-/')
  const found = packages.find(({ manifest }) => manifest.name === name)
  if (found === undefined) {
    response.writeHead(404).end()
    return
  }
  if (file !== undefined) {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream', 'Content-Length': found.tarball.length }).end(found.tarball)
    return
  }
  const { manifest, tarball } = found
  const dist = {
    tarball: `${scheme}://${request.headers.host}/${name}/-/${manifest.version}.tgz`,
    integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  }
  const packument = { name, 'dist-tags': { latest: manifest.version }, versions: { [manifest.version]: { ...manifest, dist } } }
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(packument))
}
