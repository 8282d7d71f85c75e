/**
 * Real clients through the firewall, with nothing but its variables: each allowed, denied, and held until it was
 * approved, over HTTPS and HTTP. A client that is not installed is a named skip, and a failure in CI.
 */
import t from 'tap'
import type { Test } from 'tap'
import { execFile } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'

interface Client {
  readonly name: string
  readonly program: string
  /** @returns arguments that fetch the URL and print its body, or fail */
  args(url: string): string[]
  /** What it prints or says when the answer was 403. */
  readonly denied: RegExp
}

const URLLIB = 'import sys, urllib.request as u\ntry:\n  print(u.urlopen(sys.argv[1]).read().decode())\nexcept Exception as e:\n  sys.exit(str(e))'
const REQUESTS = 'import sys, requests\nr = requests.get(sys.argv[1])\nprint(r.text)\nif not r.ok: sys.exit("status %d" % r.status_code)'
const GO = `package main
import ("fmt"; "io"; "net/http"; "os")
func main() {
  r, err := http.Get(os.Args[1])
  if err != nil { fmt.Fprintln(os.Stderr, err); os.Exit(1) }
  b, _ := io.ReadAll(r.Body)
  fmt.Print(string(b))
  if r.StatusCode != 200 { fmt.Fprintln(os.Stderr, "status", r.StatusCode); os.Exit(1) }
}`

// The fetch of Node 20 and 22 knows no proxy variables (24 does): its agent is told to read them.
const NODE = `import { EnvHttpProxyAgent, fetch } from 'undici'
const response = await fetch(process.argv[1], { dispatcher: new EnvHttpProxyAgent() })
console.log(await response.text())
if (!response.ok) { console.error('status', response.status); process.exit(1) }`

const clients: Client[] = [
  { name: 'node fetch', program: process.execPath, args: url => ['--input-type=module', '-e', NODE, url], denied: /403/ },
  { name: 'curl', program: '/usr/bin/curl', args: url => ['-sS', '--fail-with-body', url], denied: /403/ },
  { name: 'wget', program: '/usr/bin/wget', args: url => ['-O', '-', url], denied: /403/ },
  { name: 'python urllib', program: '/usr/bin/python3', args: url => ['-c', URLLIB, url], denied: /403/ },
  { name: 'python requests', program: '/usr/bin/python3', args: url => ['-c', REQUESTS, url], denied: /403/ },
  { name: 'Go net/http', program: '/usr/bin/go', args: url => ['run', 'get.go', url], denied: /403/ },
]

interface Ran { readonly code: number, readonly out: string }

function run(client: Client, url: string, cwd: string, env: Record<string, string>): Promise<Ran> {
  return new Promise(resolve => {
    execFile(client.program, client.args(url), { cwd, env, timeout: 60_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, out: stdout + stderr })
    })
  })
}

/** A clean environment: what makes a client work is what the firewall says, and nothing of this machine. */
function environment(house: House, dir: string): Record<string, string> {
  const wgetrc = join(dir, 'wgetrc')
  writeFileSync(wgetrc, `ca_certificate = ${house.firewall.ca.bundle}\n`)
  return { PATH: '/usr/bin:/bin', HOME: dir, WGETRC: wgetrc, GOFLAGS: '-mod=mod', GO111MODULE: 'off', GOTOOLCHAIN: 'local', GOCACHE: join(dir, 'go'), ...house.firewall.env() }
}

async function each(t: Test, client: Client, secure: boolean): Promise<void> {
  const origin = await startOrigin(t, { secure })
  const scheme = secure ? 'https' : 'http'
  const house = await openHouse(t, { version: 1, unmatched: 'deny', rules: [
    { id: 'open', host: 'open.test', scheme, port: origin.port, private: true },
    { id: 'ask', action: 'hold', host: 'ask.test', private: true },
  ] })
  const dir = t.testdir({ 'get.go': GO })
  const env = environment(house, dir)
  const url = (host: string): string => `${scheme}://${host}:${origin.port}/file`

  t.match(await run(client, url('open.test'), dir, env), { code: 0, out: /ok\n/ }, 'allowed')
  const denied = await run(client, url('shut.test'), dir, env)
  t.match(denied, { code: 1, out: client.denied }, 'denied')
  t.equal(origin.requests.length, 1, 'the origin saw nothing of it')
  const held = run(client, url('ask.test'), dir, env)
  const [question] = await house.questions(1)
  t.equal(origin.requests.length, 1, 'nothing leaves while it is held')
  t.match(await house.firewall.answer(question!.id, { verdict: 'approve', grant: 'once' }), { kind: 'accepted', released: 1 })
  t.match(await held, { code: 0, out: /ok\n/ }, 'the same command finished')
  t.equal(origin.requests.length, 2)
}

for (const client of clients) {
  for (const secure of [true, false]) {
    const name = `${client.name} over ${secure ? 'HTTPS' : 'HTTP'}`
    const isThere = existsSync(client.program)
    if (!isThere && process.env['CI'] === undefined) t.test(name, { skip: `${client.program} is not installed` }, async () => {})
    else t.test(name, { timeout: 90_000 }, t => each(t, client, secure))
  }
}
