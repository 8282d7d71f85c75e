/**
 * Endpoints of real APIs, as `GET /repos/{owner}/{repo}`, read from packages that were generated from the APIs' own
 * descriptions.
 *
 * GitHub's is what the rules were tuned on; `@octokit/openapi-types` is made from `@octokit/openapi`, which holds the
 * same endpoints in 385 MB. Gitea's shows that they fit another API too.
 */
import { createRequire } from 'node:module'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Endpoint {
  readonly method: string
  /** With `{name}` for each parameter. */
  readonly template: string
}

export interface Api {
  readonly name: string
  readonly host: string
  readonly endpoints: readonly Endpoint[]
}

const GITHUB = '@octokit/openapi-types/types.d.ts'
const GITEA = 'gitea-js/dist/index.d.ts'

export function github(): Api {
  const text = readFileSync(fileOf(GITHUB), 'utf8')
  const endpoints: Endpoint[] = []
  let template = ''
  for (const line of text.slice(0, text.indexOf('export interface components')).split('\n')) {
    template = /^ {2}"(\/[^"]*)": \{/.exec(line)?.[1] ?? template
    const method = /^ {4}([a-z]+): operations\[/.exec(line)?.[1]
    if (method !== undefined) endpoints.push({ method: method.toUpperCase(), template })
  }
  return { name: 'GitHub', host: 'api.github.com', endpoints }
}

export function gitea(): Api {
  const text = readFileSync(fileOf(GITEA), 'utf8')
  const endpoints = Array.from(text.matchAll(/@request ([A-Z]+):(\S+)/g), ([, method = '', template = '']) => ({ method, template: `/api/v1${template}` }))
  return { name: 'Gitea', host: 'gitea.example.com', endpoints }
}

/** A file with a line for each endpoint: method, space, template. */
export function listed(file: string): Api {
  const endpoints = readFileSync(file, 'utf8').split('\n').filter(line => line.includes(' /')).map(line => {
    const [method = '', template = ''] = line.trim().split(/\s+/)
    return { method, template }
  })
  return { name: file, host: 'api.example.com', endpoints }
}

/** Whether the packages are there: they are for development alone. */
export function hasDescriptions(): boolean {
  return find(GITHUB) !== null && find(GITEA) !== null
}

/** @throws where its package is not installed */
function fileOf(path: string): string {
  const found = find(path)
  if (found === null) throw new Error(`${path} is not installed: npm install`)
  return found
}

/** A file of a package, whether the package exports it or not. */
function find(path: string): string | null {
  const folders = createRequire(import.meta.url).resolve.paths(path) ?? []
  return folders.map(folder => join(folder, path)).find(file => existsSync(file)) ?? null
}
