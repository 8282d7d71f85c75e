/**
 * Whom the firewall itself trusts: the roots against which every upstream is verified.
 *
 * First named, first taken, never mixed: what the operator names, else `SSL_CERT_FILE`, else the
 * distribution's bundle, else the roots that Node was built with. What is named and cannot be used is an
 * error, never a reason to trust somebody else. Our own CA is not among them: an environment that was made
 * for our clients (`sallyport env`) must not let us take our own leaves for an upstream's.
 */
import { rootCertificates } from 'node:tls'
import { OperatorError } from '../model/errors.ts'
import { readText } from './files.ts'
import { certificatesIn, readCertificate, spelled } from './pem.ts'

export interface Roots {
  /** Certificates in PEM, one each. */
  readonly pem: readonly string[]
  /** Where they come from, for an operator: `SSL_CERT_FILE /etc/ssl/corporate.pem`. */
  readonly says: string
}

export interface RootsOptions {
  /** Of `--upstream-ca`: if there is any, these roots and no others. */
  readonly files: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly ownCaPem: string
  /** Where distributions keep their bundle; the first that holds a certificate is taken. */
  readonly systemBundles?: readonly string[]
}

/** @throws OperatorError E_ROOTS_UNREADABLE when a file that was named holds no certificate, or one that cannot be read */
export function loadUpstreamRoots({ files, env, ownCaPem, systemBundles = SYSTEM_BUNDLES }: RootsOptions): Roots {
  if (files.length > 0) return { pem: files.flatMap(readWhole), says: `--upstream-ca ${files.join(', ')}` }

  const own = new Set(certificatesIn(ownCaPem).map(spelled))
  const isOwn = (root: string): boolean => own.has(spelled(root))
  const variable = env['SSL_CERT_FILE']
  if (variable !== undefined && variable !== '') {
    const pem = readNamed(variable)
    // With our CA in it, it is the bundle that we wrote for clients.
    if (!pem.some(isOwn)) return { pem, says: `SSL_CERT_FILE ${variable}` }
  }
  for (const path of systemBundles) {
    const read = readText(path, { isOurs: false, isSecret: false })
    // An operator may have made the whole machine trust us; that is no reason for us to.
    const pem = read.kind === 'read' ? certificatesIn(read.text).filter(root => !isOwn(root)) : []
    if (pem.length > 0) return { pem, says: `the system's bundle ${path}` }
  }
  return { pem: rootCertificates, says: `the roots of Node.js ${process.versions.node}` }
}

/** In the order of how many machines have them. */
const SYSTEM_BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Alpine, Arch, Gentoo, NixOS
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', // Fedora, RHEL, Amazon Linux
  '/etc/pki/tls/certs/ca-bundle.crt', // older Fedora, RHEL
  '/etc/ssl/ca-bundle.pem', // SUSE
  '/var/lib/ca-certificates/ca-bundle.pem', // SUSE, transactional
  '/etc/ssl/cert.pem', // macOS, Alpine, the BSDs
  '/usr/local/etc/ssl/cert.pem', // FreeBSD
  '/opt/homebrew/etc/ca-certificates/cert.pem', // Homebrew
]

function readNamed(path: string): string[] {
  const read = readText(path, { isOurs: false, isSecret: false })
  if (read.kind === 'absent') throw unusable(path, 'it does not exist')
  if (read.kind === 'unreadable') throw unusable(path, read.problem, read.cause)
  const roots = certificatesIn(read.text)
  if (roots.length === 0) throw unusable(path, 'it holds no certificate')
  return roots
}

/** As a private root may be the only one, each must be one. A bundle is not read twice for that: 140 cost 25 ms. */
function readWhole(path: string): string[] {
  const roots = readNamed(path)
  const broken = roots.findIndex(root => readCertificate(root) === null)
  if (broken !== -1) throw unusable(path, `its certificate number ${broken + 1} cannot be read`)
  return roots
}

const unusable = (file: string, problem: string, cause?: unknown): OperatorError => new OperatorError('E_ROOTS_UNREADABLE', { file, problem }, cause)
