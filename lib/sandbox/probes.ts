/**
 * The real clients of this machine, each tried once in a real sandbox: does it trust the CA, is it intercepted with no
 * variable set, and is UDP refused at once.
 *
 * The gate that they are tried against denies everything. A client that comes back with our 403 has resolved a name,
 * opened a connection and trusted a certificate, all of them ours; nothing was sent to anybody.
 */
import type { Clock } from '../model/clock.ts'
import type { Finding } from './doctor.ts'
import { createSandbox } from './sandbox.ts'
import type { Gate } from './sandbox.ts'
import { programsNamed } from './survey.ts'

type Env = Readonly<Record<string, string | undefined>>

/** A name that nobody has (RFC 6761). */
export const PROBED_HOST = 'probe.sallyport.test'
const ADDRESS = `https://${PROBED_HOST}/`
const MAX_PROBE_MS = 20_000
/** A rejected packet is told in under a millisecond; a dropped one never. */
const UDP = 'import socket,time; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(3); t=time.time()\ntry:\n s.connect(("192.0.2.1",9)); s.send(b"x"); s.recv(1); print("answered")\nexcept TimeoutError: print("ignored")\nexcept OSError: print("refused")'

/** Lists of its own, below the folder for temporary files: the system's are read-only, and not meant. */
const APT = 'mkdir -p /tmp/apt/lists/partial && echo "deb [trusted=yes] $1 x main" > /tmp/apt/list && apt-get -qq -o Dir::Etc::SourceList=/tmp/apt/list -o Dir::Etc::SourceParts=/nonexistent -o Dir::State::Lists=/tmp/apt/lists -o Dir::Cache=/tmp/apt -o APT::Sandbox::User= -o Acquire::Retries=0 -o Debug::NoLocking=1 update'
const CARGO = 'mkdir -p /tmp/cargo/src && cd /tmp/cargo && printf \'[package]\\nname = "p"\\nversion = "0.1.0"\\n[dependencies]\\nx = { version = "1", registry = "probe" }\\n\' > Cargo.toml && : > src/lib.rs && CARGO_HOME=/tmp/cargo/home CARGO_NET_RETRY=0 CARGO_REGISTRIES_PROBE_INDEX="sparse+$1" cargo fetch'
const JAVA = 'cat > /tmp/P.java <<\'END\'\nimport java.net.*;\npublic class P { public static void main(String[] a) throws Exception { System.out.println(((HttpURLConnection) new URL(a[0]).openConnection()).getResponseCode()); } }\nEND\njava /tmp/P.java "$1"'

interface Probe {
  readonly name: string
  /** The program that has to be there. */
  readonly needs: string
  readonly command: readonly string[]
  /** In what it prints, where all is well. */
  readonly expect: RegExp
}

const PROBES: readonly Probe[] = [
  { name: 'curl', needs: 'curl', command: ['curl', '-sS', '-o', '/dev/stdout', '-w', '%{http_code}', ADDRESS], expect: /403/ },
  { name: 'wget', needs: 'wget', command: ['wget', '-nv', '--tries=1', '-O', '-', ADDRESS], expect: /403/ },
  { name: 'git', needs: 'git', command: ['git', 'ls-remote', `${ADDRESS}x.git`], expect: /403/ },
  { name: 'python', needs: 'python3', command: ['python3', '-c', `import urllib.request,urllib.error\ntry: urllib.request.urlopen("${ADDRESS}")\nexcept urllib.error.HTTPError as e: print(e.code)`], expect: /403/ },
  { name: 'node', needs: 'node', command: ['node', '-e', `fetch("${ADDRESS}").then(r => console.log(r.status))`], expect: /403/ },
  { name: 'npm', needs: 'npm', command: ['npm', 'view', 'x', '--registry', ADDRESS, '--fetch-retries=0', '--no-update-notifier'], expect: /E?403/ },
  { name: 'go', needs: 'go', command: ['env', `GOPROXY=${ADDRESS}`, 'GOFLAGS=-mod=mod', 'GONOSUMDB=*', 'GOTELEMETRY=off', 'go', 'list', '-m', 'example.test/x@v1.0.0'], expect: /403/ },
  { name: 'ruby', needs: 'ruby', command: ['ruby', '-ropen-uri', '-e', `begin; URI.open("${ADDRESS}"); rescue OpenURI::HTTPError => e; puts e.message; end`], expect: /403/ },
  { name: 'pip', needs: 'pip', command: ['pip', '--no-input', '--disable-pip-version-check', 'download', '--no-deps', '--retries=0', '--no-cache-dir', `${ADDRESS}x-1.0-py3-none-any.whl`], expect: /403/ },
  { name: 'apt', needs: 'apt-get', command: ['sh', '-c', APT, 'sh', ADDRESS], expect: /403/ },
  { name: 'cargo', needs: 'cargo', command: ['sh', '-c', CARGO, 'sh', ADDRESS], expect: /403/ },
  { name: 'java', needs: 'java', command: ['sh', '-c', JAVA, 'sh', ADDRESS], expect: /403/ },
  { name: 'chromium', needs: 'chromium', command: ['chromium', '--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-background-networking', '--no-first-run', '--dump-dom', ADDRESS], expect: /policy_denied/ },
  { name: 'udp', needs: 'python3', command: ['python3', '-c', UDP], expect: /refused/ },
]

/** @param firewall  with a policy that denies everything */
export async function probe({ firewall, env, clock, cwd }: { readonly firewall: Gate, readonly env: Env, readonly clock: Clock, readonly cwd: string }): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  // One after the other: each starts a sandbox, and a small machine is part of what is examined.
  for (const { name, needs, command, expect } of PROBES) {
    if (programsNamed(needs, env, cwd).length === 0) continue
    findings.push(await tryOne(name, needs, command, expect).catch((error: unknown): Finding => ({
      name, kind: 'warning', says: error instanceof Error ? error.message : String(error), fix: error instanceof Error && 'fix' in error ? String(error.fix) : null,
    })))
  }
  return findings

  async function tryOne(name: string, needs: string, [file = '', ...args]: readonly string[], expect: RegExp): Promise<Finding> {
    const began = clock.elapsed()
    const sandbox = await createSandbox({ firewall, command: file, args, cwd, env })
    let output = ''
    sandbox.stdin?.end()
    for (const stream of [sandbox.stdout, sandbox.stderr]) stream?.on('data', (chunk: Buffer) => { if (output.length < 10_000) output += chunk.toString() })
    const timer = clock.after(MAX_PROBE_MS, () => sandbox.kill('SIGKILL'))
    const { signal } = await sandbox.exited
    timer.cancel()
    const says = `${Math.round(clock.elapsed() - began)} ms`
    if (expect.test(output)) return { name, kind: 'ok', says: name === 'udp' ? `refused at once (${says})` : `is intercepted and trusts the CA (${says})`, fix: null }
    const problem = signal === null ? output.trim().split('\n').at(-1)?.slice(0, 200) || 'no output' : `did not end in ${MAX_PROBE_MS / 1_000} s`
    return { name, kind: 'warning', says: problem, fix: `Run it by hand: sallyport run -- ${needs}; docs/sandbox.md has what each client needs.` }
  }
}
