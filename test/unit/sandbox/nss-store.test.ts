/** Chromium's trust store, as NSS itself reads it, and as a sandboxed command finds it. */
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { openNssStore } from '../../../lib/sandbox/nss-store.ts'
import { inside, openGate, openPlace } from '../../helpers/gate.ts'

const CERTUTIL = '/usr/bin/certutil'

t.test('it trusts the CA, is made once, and again for another CA', async t => {
  const { ca } = await openGate(t)
  const folder = join(dirname(ca.path), 'nssdb')
  t.strictSame(openNssStore(CERTUTIL, ca.path).map(({ name }) => name).sort(), ['cert9.db', 'key4.db', 'pkcs11.txt'])
  t.match(execFileSync(CERTUTIL, ['-d', `sql:${folder}`, '-L'], { encoding: 'utf8' }), /^sallyport +C,,/m)
  const { ino } = statSync(folder)
  openNssStore(CERTUTIL, ca.path)
  t.equal(statSync(folder).ino, ino, 'the second time nothing is made')
  t.strictSame(readdirSync(dirname(ca.path)).filter(name => name.startsWith('.nssdb')), [], 'nothing is left behind')
  writeFileSync(join(dirname(ca.path), 'new.crt'), 'no certificate')
  t.strictSame(openNssStore(CERTUTIL, join(dirname(ca.path), 'new.crt')), [], 'what certutil does not take has no store')
  t.strictSame(openNssStore('/nonexistent', join(dirname(ca.path), 'none.crt')), [])
})

t.test('a command has a copy of its own', async t => {
  const [gate, place] = [await openGate(t), openPlace(t)]
  const { out } = await inside(gate, place, ['sh', '-c', 'certutil -d sql:$HOME/.pki/nssdb -L; certutil -d sql:$HOME/.pki/nssdb -D -n sallyport && echo changed'])
  t.match(out, /sallyport +C,,[^]*changed/)
  t.match(execFileSync(CERTUTIL, ['-d', `sql:${join(dirname(gate.ca.path), 'nssdb')}`, '-L'], { encoding: 'utf8' }), /sallyport +C,,/, 'that of the next command is as it was')
})
