import { execFileSync } from 'node:child_process'
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { errorCode, publish, readText, replace, writeNew } from '../../../lib/tls/files.ts'
import { freshDir } from './fresh.ts'

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const ANYBODYS = { isOurs: false, isSecret: false }

t.test('a name is given once', async t => {
  const dir = freshDir(t)
  const [draft, other, name] = [join(dir, 'draft'), join(dir, 'other'), join(dir, 'name')]
  writeNew(draft, 'first', 0o600)
  writeNew(other, 'second', 0o600)
  t.ok(publish(draft, name))
  t.notOk(publish(other, name))
  t.equal(readFileSync(name, 'utf8'), 'first')
  t.throws(() => publish(join(dir, 'nothing'), join(dir, 'free')), { code: 'ENOENT' })
})

t.test('a new file follows no link and overwrites nothing', async t => {
  const dir = freshDir(t)
  symlinkSync('target', join(dir, 'link'))
  t.throws(() => writeNew(join(dir, 'link'), 'text', 0o600), { code: 'EEXIST' })
  writeFileSync(join(dir, 'there'), 'there')
  t.throws(() => writeNew(join(dir, 'there'), 'text', 0o600), { code: 'EEXIST' })
  t.same(readdirSync(dir).sort(), ['link', 'there'])
})

t.test('a file is replaced as a whole, and a link by a file', async t => {
  const dir = freshDir(t)
  writeFileSync(join(dir, 'target'), 'untouched')
  symlinkSync('target', join(dir, 'file'))
  replace(join(dir, 'file'), join(dir, 'draft'), 'text', 0o644)
  t.ok(lstatSync(join(dir, 'file')).isFile())
  t.equal(readFileSync(join(dir, 'file'), 'utf8'), 'text')
  t.equal(readFileSync(join(dir, 'target'), 'utf8'), 'untouched')
  t.equal(modeOf(join(dir, 'file')), '644')
  t.notOk(readdirSync(dir).includes('draft'))
})

t.test('a replacement that fails leaves what was there, and no draft', async t => {
  const dir = freshDir(t)
  mkdirSync(join(dir, 'folder'))
  writeFileSync(join(dir, 'folder', 'full'), '')
  t.throws(() => replace(join(dir, 'folder'), join(dir, 'draft'), 'text', 0o644))
  t.same(readdirSync(dir), ['folder'])
})

t.test('reading tells what is there, what is not, and what cannot be used', async t => {
  const dir = freshDir(t)
  writeFileSync(join(dir, 'file'), 'text')
  symlinkSync('file', join(dir, 'link'))
  symlinkSync('link-loop', join(dir, 'link-loop'))
  execFileSync('mkfifo', [join(dir, 'pipe')])
  t.same(readText(join(dir, 'file'), ANYBODYS), { kind: 'read', text: 'text' })
  t.same(readText(join(dir, 'link'), ANYBODYS), { kind: 'read', text: 'text' }, 'a bundle may stand behind a link')
  t.match(readText(join(dir, 'link'), { ...ANYBODYS, isOurs: true }), { kind: 'unreadable', problem: 'it is a symbolic link' })
  t.same(readText(join(dir, 'nothing'), ANYBODYS), { kind: 'absent' })
  t.match(readText(join(dir, 'file', 'below'), ANYBODYS), { kind: 'unreadable', problem: 'ENOTDIR' })
  t.match(readText(join(dir, 'link-loop'), ANYBODYS), { kind: 'unreadable' })
  t.match(readText(join(dir, 'pipe'), ANYBODYS), { kind: 'unreadable', problem: 'it is not a file' })
  t.match(readText('/dev/zero', ANYBODYS), { kind: 'unreadable', problem: 'it is not a file' })
  t.match(readText(dir, ANYBODYS), { kind: 'unreadable', problem: 'it is not a file' })
})

t.test('an error has a name', async t => {
  t.equal(errorCode(Object.assign(new Error('long'), { code: 'EACCES' })), 'EACCES')
  t.equal(errorCode(new Error('long')), 'long')
  t.equal(errorCode('thrown'), 'unknown error')
})
