/**
 * A trust store for Java, of roots in PEM: Java reads no other form without being told, and has no variable that adds
 * one certificate.
 *
 * The format is JKS, which every Java reads, and reads without a password where only certificates are wanted. All
 * that it says is public.
 */
import { createHash, randomBytes } from 'node:crypto'
import { statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { OperatorError } from '../model/errors.ts'
import { errorCode, readText, replace } from './files.ts'
import { certificatesIn } from './pem.ts'

const MAGIC = 0xfeedfeed
const VERSION = 2
const TRUSTED_CERTIFICATE = 2
/** What Java has always had for its own; it protects nothing here. */
const PASSWORD = 'changeit'
/** Part of the format: java.security's `JavaKeyStore` puts it before what it hashes. */
const SALT = 'Mighty Aphrodite'

/**
 * Writes `ca-bundle.jks` (0644) beside a bundle, unless it is there and not older.
 *
 * @returns its path
 * @throws OperatorError E_CA_WRITE
 */
export function writeJavaStore(bundlePath: string): string {
  const path = join(dirname(bundlePath), 'ca-bundle.jks')
  const written = statSync(bundlePath).mtimeMs
  if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity) >= written) return path
  const read = readText(bundlePath, { isOurs: true, isSecret: false })
  try {
    if (read.kind !== 'read') throw new Error(`${bundlePath} cannot be read`)
    replace(path, join(dirname(path), `.ca-bundle-${randomBytes(8).toString('hex')}.jks`), javaStore(read.text, written), 0o644)
  } catch (error) {
    throw new OperatorError('E_CA_WRITE', { file: path, problem: errorCode(error) }, error)
  }
  return path
}

/**
 * @param bundle  certificates in PEM; the same root twice is written once
 * @param at  of the entries, milliseconds since 1970
 */
export function javaStore(bundle: string, at: number): Buffer {
  const roots = [...new Map(certificatesIn(bundle).map(derOf).map(raw => [raw.toString('base64'), raw])).values()]
  const body = Buffer.concat([
    uint32(MAGIC), uint32(VERSION), uint32(roots.length),
    ...roots.flatMap((raw, index) => [uint32(TRUSTED_CERTIFICATE), text(`root-${index}`), uint64(at), text('X.509'), uint32(raw.length), raw]),
  ])
  const password = Buffer.from(PASSWORD, 'utf16le').swap16()
  return Buffer.concat([body, createHash('sha1').update(password).update(SALT).update(body).digest()])
}

const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----[^-]*-----/g, ''), 'base64')

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function uint64(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(Math.trunc(value)))
  return bytes
}

/** As `DataOutput.writeUTF` has it; ours is ASCII. */
function text(value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(value.length)
  return Buffer.concat([length, Buffer.from(value, 'ascii')])
}
