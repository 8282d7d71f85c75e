/** Certificates of the test origins, made by openssl for this run alone. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TestCertificate {
  readonly cert: string
  readonly key: string
  /** The certificate as a file: it is its own root. */
  readonly file: string
}

const made = new Map<string, TestCertificate>()
let dir: string | null = null

/** Self-signed for the names; the same names give the same certificate for the rest of the process. */
export function certificateFor(...names: string[]): TestCertificate {
  const san = names.map(name => /^[\d.]+$|:/.test(name) ? `IP:${name}` : `DNS:${name}`).join(',')
  const known = made.get(san)
  if (known !== undefined) return known
  if (dir === null) {
    const created = dir = mkdtempSync(join(tmpdir(), 'sallyport-test-'))
    process.on('exit', () => rmSync(created, { recursive: true, force: true }))
  }
  const stem = join(dir, String(made.size))
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30',
    '-subj', '/CN=test origin', '-addext', `subjectAltName=${san}`, '-keyout', `${stem}.key`, '-out', `${stem}.crt`], { stdio: 'ignore' })
  const certificate = { cert: readFileSync(`${stem}.crt`, 'utf8'), key: readFileSync(`${stem}.key`, 'utf8'), file: `${stem}.crt` }
  made.set(san, certificate)
  return certificate
}

/** Names that tests give their origins. Node takes no wildcard right below a top-level name, so they are spelled out. */
const NAMES = ['open', 'ask', 'shut', 'allowed', 'denied', 'held', 'pinned', 'other', 'a', 'b', 'db', 'git', 'npm', 'registry', 'rebind', 'me']

/** The one that most tests use. */
export const originCertificate = (): TestCertificate => certificateFor(...NAMES.flatMap(name => [`${name}.test`, `${name}.example`]), 'localhost', '127.0.0.1')
