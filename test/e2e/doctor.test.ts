/** `sallyport doctor` as built, as root and as an ordinary user. */
import t from 'tap'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { USERS, openUser } from '../helpers/as-user.ts'
import type { User } from '../helpers/as-user.ts'
import type { Finding } from '../../lib/index.ts'

async function doctor(user: User, ...flags: readonly string[]): Promise<{ code: number | null, out: string }> {
  const { file, args } = user.command(user.node, user.file('dist/bin/sallyport.js'), 'doctor', ...flags)
  const child = spawn(file, args, { cwd: user.work, stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  child.stdout?.on('data', (chunk: Buffer) => { out += chunk.toString() })
  const [code] = await once(child, 'close') as [number | null]
  return { code, out }
}

for (const name of USERS) {
  t.test(`as ${name}: this machine is fit, and the clients that the tests need work in a sandbox`, { timeout: 100_000 }, async t => {
    const { code, out } = await doctor(openUser(t, name), '--json')
    const { findings } = JSON.parse(out) as { findings: readonly Finding[] }
    t.strictSame(findings.filter(({ kind }) => kind === 'no'), [])
    t.equal(code, 0)
    for (const client of ['curl', 'wget', 'git', 'python', 'pip', 'apt', 'udp']) t.match(findings.find(finding => finding.name === client), { kind: 'ok' }, client)
    for (const { name, kind, fix } of findings) t.equal(fix === null, kind === 'ok', `${name}: what is not well says what to do`)
  })
}

t.test('what is needed and missing is told with its fix, and ends with 1', { timeout: 30_000 }, async t => {
  const user = openUser(t, USERS[0] ?? 'self')
  t.equal((await doctor(user, '--no-clients', '--certs', user.work)).code, 0, 'an empty folder gets a CA')
  const { file, args } = user.command('chmod', '644', `${user.work}/ca.key`)
  await once(spawn(file, args), 'close')
  const { code, out } = await doctor(user, '--no-clients', '--certs', user.work)
  t.equal(code, 1)
  t.match(out, /^no +ca +.*mode 644/m)
  t.match(out, /key 0600/)
})
