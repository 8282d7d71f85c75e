/** The picture of the README shows what the program prints. */
import t from 'tap'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { picture, steady } from '../../docs/generate-picture.ts'

const file = new URL('../../docs/demo.svg', import.meta.url)
const PROGRAM = fileURLToPath(new URL('../../dist/bin/sallyport.js', import.meta.url))
const MAX_BYTES = 60 * 1024

const dir = mkdtempSync(join(tmpdir(), 'sp-'))
t.teardown(() => rmSync(dir, { recursive: true, force: true }))
const output = steady(execFileSync(process.execPath, [PROGRAM, 'demo', '--yes'], { cwd: dir, encoding: 'utf8', env: { PATH: process.env['PATH'], HOME: dir } }))
if (process.env['WRITE_DOCS'] === '1') writeFileSync(file, picture(output))
const svg = readFileSync(file, 'utf8')

t.test('the picture is what the demo prints', async t => {
  t.equal(svg, picture(output), 'docs/demo.svg is up to date; run this test with WRITE_DOCS=1 to make it so')
})

t.test('the same is drawn whatever the run had for ports, times and ids', async t => {
  const other = output
    .replaceAll(':8080', ':41').replaceAll(':8443', ':50001').replaceAll('2026-01-01T12:00:', '2031-12-31T23:59:')
    .replaceAll('flow 4a5bc64655-', 'flow 00-').replaceAll('1.5 s', '12.0 s').replaceAll('1520 ms', '999 ms').replaceAll('1510 ms', '9 ms').replaceAll(' 30 ms', ' 1 ms').replaceAll('  1 ms', '  4000 ms').replace('6 records', '7 records')
  t.not(other, output)
  t.equal(steady(other), output)
})

t.test('it needs nothing but itself, and is small', async t => {
  t.ok(svg.length < MAX_BYTES, `${svg.length} bytes`)
  t.notMatch(svg, /<script|<image|<foreignObject|@import|@font-face|url\(|href/, 'no other file, no script')
  t.strictSame(svg.match(/https?:\/\/[^/"<\s]+/g)?.filter(found => !/\.example(?::8443)?$|127\.0\.0\.1:8080|www\.w3\.org$/.test(found)), [], 'no other host')
})

t.test('what the demo says is drawn as text, not as markup', async t => {
  const drawn = picture('1. agent: GET <b>&amp; rule "x" allows it\n   ok  200')
  t.match(drawn, '&lt;b>&amp;amp;')
  t.notMatch(drawn, '<b>')
})
