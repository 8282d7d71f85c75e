/**
 * The page's files, as they lie in the package: read once, served under a policy that lets nothing else in.
 *
 * They hold no data: whoever gets them has a sign-in page.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../config/package-root.ts'

export interface Asset {
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
}

/** Known by this alone: a path of a request never reaches the file system. */
const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** @param nonce a new one, of letters and digits, each time */
export function createAssets(nonce: () => string): (path: string) => Asset | null {
  const folder = join(packageRoot(), 'lib/console/page')
  const files = new Map<string, string>(readdirSync(folder)
    .filter(name => typeOf(name) !== undefined)
    .map(name => [`/${name}`, readFileSync(join(folder, name), 'utf8')] as const))

  return path => {
    const name = path === '/' ? '/index.html' : path
    const body = files.get(name)
    const type = typeOf(name)
    if (body === undefined || type === undefined) return null
    if (name !== '/index.html') return { fields: { 'content-type': type, 'cache-control': 'no-cache' }, body }
    const now = nonce()
    return { fields: { 'content-type': type, 'cache-control': 'no-store', 'content-security-policy': policyWith(now) }, body: body.replaceAll('{nonce}', now) }
  }
}

/** The page's scripts carry the nonce, and so do the modules they import. Text is never markup: trusted types, and none of them. */
function policyWith(nonce: string): string {
  return [
    "default-src 'none'", `script-src 'nonce-${nonce}'`, `style-src 'nonce-${nonce}'`, "img-src 'self'", "connect-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'",
  ].join('; ')
}

function typeOf(name: string): string | undefined {
  return TYPES[/\.([a-z]+)$/.exec(name)?.[1] ?? '']
}
