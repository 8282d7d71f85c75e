/**
 * The firewall's end of the channel to a helper: what it says, as promises, and the sockets that it hands over.
 */
import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:dgram'
import type { Server } from 'node:net'
import { OperatorError } from '../model/errors.ts'
import type { Handed, Order, Report } from './messages.ts'
import type { Packets } from './nft.ts'
import { explainRefusal, findClosedSwitch } from './preflight.ts'
import type { Refusal } from './preflight.ts'

/** What a sandbox opened, for the firewall to serve. */
export interface SandboxDoors {
  /** A process in its network. */
  readonly network: number
  /** Every TCP connection that the command makes arrives here, its destination the socket's own. */
  readonly server: Server
  readonly dns: readonly Socket[]
  readonly dnsTcp: readonly Server[]
  /** Whether connections to IPv6 addresses arrive as well. */
  readonly hasIpv6: boolean
  /** Once it has ended, and where it was counted: packets that went nowhere. */
  rejected?(): Packets | null
}

export interface Exit {
  /** 128 and the signal's number where a signal ended the command, as a shell has it. */
  readonly code: number | null
  /** Of the sandbox as a whole, where it was killed. */
  readonly signal: NodeJS.Signals | null
}

/** Of what the helper writes, enough for a reason. */
const MAX_SAYS = 4_096

/** How what went wrong is told. */
export interface Failures {
  /** Before the helper could say anything: it was not let in. @param says  what it wrote */
  refused(says: string): OperatorError
  failed(problem: string): OperatorError
}

export interface Link {
  readonly ready: Promise<unknown>
  readonly doors: Promise<SandboxDoors>
  readonly running: Promise<number>
  readonly exited: Promise<Exit>
  /** Rejects if the helper fails before it is ready, and settles in no other way. */
  readonly failed: Promise<never>
  send(order: Order): void
}

/** What the helper says, as promises; all of them fail when it ends too early. */
export function connect(helper: ChildProcess, failures: Failures = OF_A_SANDBOX): Link {
  const [ready, doors, running, exited] = [deferred<void>(), deferred<SandboxDoors>(), deferred<number>(), deferred<Exit>()]
  const handles = new Map<Handed, Server | Socket>()
  let expected: readonly Handed[] = []
  let isReady = false
  let says = ''
  let ended: Exit | null = null
  let rejected: Packets | null = null
  let hasRun = false
  helper.stderr?.on('data', (chunk: Buffer) => { if (says.length < MAX_SAYS) says += chunk.toString() })
  helper.on('message', (message: Report, handle?: Server | Socket) => {
    switch (message.kind) {
      case 'ready':
        expected = message.handed
        isReady = true
        return ready.resolve()
      case 'handed':
        handles.set(message.what, handle!)
        if (handles.size === expected.length) doors.resolve({ ...sort(handles, helper.pid!), rejected: () => rejected })
        return
      case 'running':
        hasRun = true
        return running.resolve(message.pid)
      case 'ended':
        rejected = message.rejected
        ended = message.code === null && message.signal === null ? null : { code: message.code, signal: message.signal }
        return
      case 'failed':
        return fail(failures.failed(message.problem))
      default:
        return message satisfies never
    }
  })
  helper.once('error', error => fail(new OperatorError('E_SANDBOX_FAILED', { problem: error.message }, error)))
  // What it said last may be read after its end is known.
  let open = 2
  for (const event of ['exit', 'disconnect']) helper.once(event, () => { if (--open === 0) finish() })
  const fail = (error: OperatorError): void => { for (const each of [ready, doors, running, exited]) each.reject(error) }
  const finish = (): void => {
    if (ended !== null) return exited.resolve(ended)
    if (hasRun && helper.signalCode !== null) return exited.resolve({ code: null, signal: helper.signalCode })
    // Before it could say anything it was not ours yet: unshare or setpriv failed.
    if (!isReady) return fail(failures.refused(says))
    fail(failures.failed(says.trim().split('\n')[0] || 'bwrap gave up; what it wrote stands above'))
  }
  const failed = ready.promise.then(() => new Promise<never>(() => {}))
  failed.catch(() => {})
  return {
    ready: ready.promise, doors: doors.promise, running: running.promise, exited: exited.promise,
    failed,
    send(order) { if (helper.connected) helper.send(order) },
  }
}

const OF_A_SANDBOX: Failures = { refused: says => refused(explainRefusal(says)), failed: failure }

/** Where a switch is off, what is not permitted is its doing: AppArmor lets namespaces be made, and nothing be done in them. */
function failure(problem: string): OperatorError {
  const closed = /not permitted|denied|bwrap/i.test(problem) ? findClosedSwitch() : null
  return closed === null ? new OperatorError('E_SANDBOX_FAILED', { problem }) : refused({ problem: `${problem}; ${closed.problem}`, fix: closed.fix })
}

const refused = ({ problem, fix }: Refusal): OperatorError => new OperatorError('E_SANDBOX_REFUSED', { problem, fix })

function sort(handles: ReadonlyMap<Handed, Server | Socket>, network: number): SandboxDoors {
  const of = <T>(...kinds: Handed[]): T[] => kinds.flatMap(kind => (handles.get(kind) as T | undefined) ?? [])
  return { network, server: handles.get('tcp') as Server, dns: of<Socket>('dns-udp4', 'dns-udp6'), dnsTcp: of<Server>('dns-tcp4', 'dns-tcp6'), hasIpv6: handles.has('dns-udp6') }
}

interface Deferred<T> { readonly promise: Promise<T>, resolve(value: T): void, reject(error: Error): void }

function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: Error) => void
  const promise = new Promise<T>((yes, no) => { resolve = yes; reject = no })
  promise.catch(() => {})
  return { promise, resolve, reject }
}
