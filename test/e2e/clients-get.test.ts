/**
 * Clients that ask for one thing: each is allowed, denied, and held until somebody approves, in the clear and in
 * TLS, with nothing but the variables (and for wget the file) that the firewall hands out.
 */
import t from 'tap'
import type { Test } from 'tap'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { SCHEMES, approveOnce, bareEnvironment, clientEnvironment, needing, openFolder, run, runWell, threeDoors } from '../helpers/clients.ts'
import type { Env, Ran, Scheme } from '../helpers/clients.ts'
import { openHouse } from '../helpers/house.ts'
import type { House } from '../helpers/house.ts'
import { startOrigin } from '../helpers/origin.ts'
import type { Origin } from '../helpers/origin.ts'

interface Client {
  readonly name: string
  /** Succeeds where the client can be used. */
  readonly probe: readonly string[]
  /** Made once, before the first request. @param folder of the client's own */
  readonly prepare?: (folder: string, env: Env) => Promise<unknown>
  /** The command that prints what it got, and fails for a status that is no success. */
  readonly get: (url: string, folder: string) => readonly string[]
}

/** Debian's own: the one that has Debian's requests. */
const PYTHON = '/usr/bin/python3'

const FETCH = `
const { EnvHttpProxyAgent, fetch } = await import(process.argv[2])
const response = await fetch(process.argv[3], { dispatcher: new EnvHttpProxyAgent() })
console.log(response.status, await response.text())
process.exit(response.ok ? 0 : 1)
`

const GO = `package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
)

func main() {
	response, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Println(err)
		os.Exit(2)
	}
	body, _ := io.ReadAll(response.Body)
	fmt.Println(response.StatusCode, string(body))
	if response.StatusCode != 200 {
		os.Exit(1)
	}
}
`

const CLIENTS: readonly Client[] = [
  { name: 'curl', probe: ['curl', '--version'], get: url => ['curl', '-sS', '--fail-with-body', '-w', '%{http_code}\n', url] },
  { name: 'wget', probe: ['wget', '--version'], get: url => ['wget', '-O', '-', '--tries=1', url] },
  {
    name: 'Python\'s urllib',
    probe: [PYTHON, '--version'],
    get: url => [PYTHON, '-c', 'import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1]).read().decode())', url],
  },
  {
    name: 'Python\'s requests',
    probe: [PYTHON, '-c', 'import requests'],
    get: url => [PYTHON, '-c', 'import sys, requests; r = requests.get(sys.argv[1]); print(r.text); r.raise_for_status()', url],
  },
  {
    // The fetch of Node 20 and 22 reads no variable for a proxy; undici, from which it comes, has an agent that does.
    name: 'fetch with undici\'s EnvHttpProxyAgent',
    probe: [process.execPath, '--version'],
    prepare: async folder => writeFileSync(join(folder, 'fetch.mjs'), FETCH),
    get: (url, folder) => [process.execPath, join(folder, 'fetch.mjs'), import.meta.resolve('undici'), url],
  },
  {
    name: 'Go\'s net/http',
    probe: ['go', 'version'],
    prepare: async (folder, env) => {
      writeFileSync(join(folder, 'get.go'), GO)
      await runWell(['go', 'build', '-o', 'get', 'get.go'], { cwd: folder, env: { ...env, GO111MODULE: 'off', GOTOOLCHAIN: 'local', GOPROXY: 'off' } })
    },
    get: (url, folder) => [join(folder, 'get'), url],
  },
]

for (const client of CLIENTS) {
  t.test(client.name, needing(client.name, client.probe), async t => {
    const folder = openFolder(t)
    await client.prepare?.(folder, bareEnvironment(folder))
    for (const scheme of SCHEMES) {
      t.test(`${scheme}: what a rule allows arrives`, async t => {
        const { running, house } = await call(t, client, { scheme, folder, host: 'open.test' })
        const ran = await running
        t.equal(ran.status, 0, ran.output)
        t.match(ran.stdout, 'ok')
        t.match((await house.closings(1))[0], { rule: 'open', status: 200 })
      })

      t.test(`${scheme}: what a rule denies is a 403 that the client shows, and the origin hears nothing`, async t => {
        const { running, origin } = await call(t, client, { scheme, folder, host: 'shut.test' })
        const ran = await running
        t.not(ran.status, 0, 'a script would stop here')
        t.match(ran.output, /\b403\b/)
        t.equal(origin.connections, 0)
      })

      t.test(`${scheme}: what a rule holds goes on in the same command once it is approved`, async t => {
        const { running, house, origin } = await call(t, client, { scheme, folder, host: 'ask.test' })
        const { ran, asked } = await approveOnce(house, running, () => t.equal(origin.connections, 0, 'nothing is sent before the answer'))
        t.equal(ran.status, 0, ran.output)
        t.match(ran.stdout, 'ok')
        t.same(asked, ['GET /x?a=1'])
        t.same(origin.requests.map(request => `${request.method} ${request.url}`), ['GET /x?a=1'])
      })
    }
  })
}

interface Call {
  readonly running: Promise<Ran>
  readonly house: House
  readonly origin: Origin
}

async function call(t: Test, client: Client, { scheme, folder, host }: { scheme: Scheme, folder: string, host: string }): Promise<Call> {
  const origin = await startOrigin(t, { secure: scheme === 'https' })
  const house = await openHouse(t, threeDoors(origin.port))
  const running = run(client.get(`${scheme}://${host}:${origin.port}/x?a=1`, folder), { env: clientEnvironment(house.firewall, folder), cwd: folder })
  return { running, house, origin }
}
