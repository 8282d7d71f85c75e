/**
 * The composition root: builds the rooms, hands each what it needs and opens the doors. The only file
 * that knows every room.
 */
import type { Server } from 'node:net'
import { openAgentDesk } from './agent-desk.ts'
import { functionDoor } from './approve/function.ts'
import { createRecent } from './audit/recent.ts'
import { createAudit } from './audit/record.ts'
import { bodyShown } from './body-shown.ts'
import { formatProblem } from './config/problems.ts'
import { loadTokens } from './config/tokens.ts'
import { watchFile } from './config/watch.ts'
import { defaultControlPath } from './control/paths.ts'
import { createAddressJudge } from './decide/address.ts'
import { admit } from './decide/admit.ts'
import { explain } from './decide/explain.ts'
import type { Firewall, Listening, ProxyAddress } from './contract.ts'
import { OBSERVES, openDesk } from './desk.ts'
import { createForwarder } from './forward/forward.ts'
import { defaultCertsDir } from './identity.ts'
import { createInspection } from './inspection.ts'
import { createKeepAlive } from './keep-alive.ts'
import { createIdentify } from './listen/clients.ts'
import { createAcceptor, createConnectHandler, listenOn } from './listen/explicit.ts'
import { createFront } from './listen/front.ts'
import { createIntercept } from './listen/intercept.ts'
import { limitsWith } from './limits.ts'
import { AGENT_HOST } from './model/agent.ts'
import { systemClock } from './model/clock.ts'
import type { Allow } from './model/decision.ts'
import type { Status } from './model/desk.ts'
import { OperatorError } from './model/errors.ts'
import type { Arrival, Handshake, Outcome, Stream } from './model/flow.ts'
import { describeRequest } from './normalize/offline.ts'
import { normalizeConnect, normalizeRequest } from './normalize/request.ts'
import type { FirewallOptions } from './options.ts'
import { handle } from './pipeline.ts'
import type { Rooms } from './pipeline.ts'
import { readPolicy } from './read-policy.ts'
import { createRecorder, recordEnded, recordEvent } from './recorder.ts'
import { openOperatorDoors } from './operator-doors.ts'
import { told } from './ruled.ts'
import { createIds, createLocalAddresses, isLoopback, parseNetwork, parseOverride, readHosts, readSearchDomains, toList, urlOf } from './setup.ts'
import { writeBundle } from './tls/bundle.ts'
import { createContexts } from './tls/contexts.ts'
import { clientEnvironment } from './tls/environment.ts'
import { loadUpstreamRoots } from './tls/roots.ts'
import { openStore } from './tls/store.ts'
import { createGuard } from './transparent.ts'
import type { Shared, SharedAddresses } from './transparent.ts'
import { createUnderway } from './underway.ts'
import { VERSION } from './version.ts'
import { createWhoAsks } from './who-asks.ts'

/** TLS identities kept ready; 22 KB each. */
const MAX_CONTEXTS = 1_000
const MAX_IDLE_UPSTREAM = 1_000
/** In the status. */
const MAX_BUDGETS = 100
/** Records that an operator can look back on. */
const MAX_RECENT = 5_000
/** Interim responses of one exchange that are passed on. */
const MAX_INTERIM = 16

/** @throws OperatorError for whatever of the options cannot stand: one sentence, and what to do */
export async function createFirewall(options: FirewallOptions): Promise<Firewall> {
  const clock = options.clock ?? systemClock
  const env = options.env ?? process.env
  const limits = limitsWith(options.limits)
  const startedAt = clock.now()
  const newId = createIds()
  const tokens = await loadTokens(options.clientTokens ?? [])
  const tokenNames = new Set(tokens.map(token => token.name))
  const overrides = (options.resolve ?? []).map(parseOverride)
  const allowFrom = (options.allowFrom ?? []).map(parseNetwork)
  const policy = await readPolicy(options.policy, clock)
  const store = await openStore(options.certs ?? defaultCertsDir(env), { clock })
  const roots = loadUpstreamRoots({ files: options.upstreamCa ?? [], env, ownCaPem: store.certificatePem })
  const bundle = writeBundle(store.dir, store, env)
  const contexts = createContexts(store, { clock, max: MAX_CONTEXTS })

  const controlPath = options.control === true ? defaultControlPath(env, process.pid) : options.control === false ? undefined : options.control
  /** Somebody may look and answer. */
  const hasOperator = controlPath !== undefined || options.console !== undefined
  const flows = createRecent(MAX_RECENT)
  const desk = openDesk({
    clock, limits, policy, newId, flows,
    log: toList(options.audit).find(target => typeof target === 'string') ?? null,
    doors: toList(options.approve).map(door => typeof door === 'function' ? functionDoor(door) : door),
    hasStandingDoor: () => options.standing ?? hasOperator,
    isKnown: client => tokenNames.has(client),
  })
  const audit = await createAudit({
    clock,
    sinks: toList(options.audit),
    redactQuery: options.auditQueries !== true,
    optional: options.auditOptional === true,
    rotateBytes: options.auditRotateBytes ?? null,
    keep: options.auditKeep ?? 10,
    ...(hasOperator ? { recent: flows } : {}),
    policy: () => ({ name: desk.inForce.ruleset.name, hash: desk.inForce.loaded.hash, generation: desk.inForce.generation }),
    onProblem: says => desk.say({ event: 'notice', says }),
  })
  const agent = openAgentDesk({ clock, desk, isOn: options.agentApi !== false, holdMs: limits.holdMs })
  const counts = { flows: 0, allowed: 0, denied: 0, refused: 0, held: 0 }
  const warnings = new Set(policy.warnings.map(warning => formatProblem(warning, policy.file ?? 'policy')))
  const servers = new Map<Server, { host: string, port: number }>()
  /** Never dialled, ours all of them; another array with every listener. */
  let listeners: readonly { readonly address: string, readonly port: number }[] = []
  const underway = createUnderway()
  let state: Status['state'] = 'running'

  const forwarder = createForwarder({
    clock,
    judge: createAddressJudge({ localAddresses: createLocalAddresses(clock), listeners: () => listeners }),
    hosts: readHosts,
    onRedirect: desk.redirects.note,
    ...(options.lookup === undefined ? {} : { resolve: options.lookup }),
    overrides,
    roots: roots.pem,
    limits: {
      connectMs: limits.connectMs, idleMs: limits.upstreamIdleMs, streamIdleMs: limits.streamIdleMs, lookups: limits.lookups,
      connectionsPerPool: limits.connectionsPerUpstream, connections: MAX_IDLE_UPSTREAM, interim: MAX_INTERIM,
    },
  })
  const whoAsks = createWhoAsks(clock)
  const rooms: Rooms = {
    decide: desk.decide,
    take: desk.take,
    closed: () => state === 'draining' ? 'shutting_down' : audit.isHealthy ? null : 'audit_unavailable',
    asker: whoAsks.asker,
    bodyShown,
    hold: desk.hold,
    holdMs: limits.holdMs,
    elapsed: () => clock.elapsed(),
    keepAlive: createKeepAlive(clock),
    forward,
    serve: agent.serve,
    mayAsk: agent.isOn,
    record: createRecorder({ audit, clock, counts, hits: desk.hits, underway, refused: agent.denials.note }),
  }

  function forward(allow: Allow, { window }: Arrival): Promise<Outcome> {
    const { generation } = desk.inForce
    return window.kind === 'request' ? forwarder.exchange(allow.permit, window, { generation, meter: desk.budgets.meterOf(allow) }) : forwardStream(allow, window, generation)
  }

  async function forwardStream(allow: Allow, window: Handshake | Stream, generation: number): Promise<Outcome> {
    const { signal, remove } = desk.live.add(allow)
    const meter = desk.budgets.meterOf(allow)
    try {
      return window.kind === 'upgrade'
        ? await forwarder.upgrade(allow.permit, window, { signal, generation, meter })
        : await forwarder.tunnel(allow.permit, window, { signal, meter })
    } finally {
      remove()
    }
  }

  const identify = createIdentify({ allowFrom, tokens })
  const ended: Parameters<typeof createIntercept>[0]['ended'] = (flow, unread, reason) => { counts.flows++; recordEnded(audit, flow, unread, reason) }
  const common = { clock, newFlow: newId, arrive: (arrival: Arrival) => void handle(arrival, rooms) }
  const front = createFront({
    ...common, limits, identify, normalize: normalizeRequest, ended,
    connect: (request, connection, head) => connectHandler(request, connection, head),
  })
  const enter = createIntercept({
    ...common, limits, front, ended,
    admit: facts => facts.host === AGENT_HOST ? { kind: 'intercept' } : admit(desk.inForce.ruleset, desk.inForce.grants, facts, { now: clock.now(), used: () => 0 }),
    contextFor: contexts.contextFor,
  })
  const connectHandler = createConnectHandler({ ...common, identify, normalizeConnect, enter })
  const guard = createGuard({ ...common, enter, max: limits.connections, isStrict: options.strictDns === true, inForce: () => desk.inForce, noteLine: whoAsks.noteLine, note: audit.notice })
  const acceptor = createAcceptor({ ...common, front, limits, inspect: createInspection(options.strict === true, clock, warn) })

  function warn(says: string): void {
    if (warnings.has(says)) return
    warnings.add(says)
    desk.say({ event: 'notice', says })
  }

  function status(): Status {
    const { ruleset, loaded, generation } = desk.inForce
    return {
      state,
      version: VERSION,
      pid: process.pid,
      startedAt: new Date(startedAt).toISOString(),
      uptimeMs: Math.round(clock.now() - startedAt),
      listeners: [...servers.values()].map(urlOf),
      policy: { name: ruleset.name, hash: loaded.hash, generation, rules: ruleset.size, unmatched: ruleset.unmatched, problem: desk.problem },
      counts: { connections: acceptor.count + guard.count, waiting: desk.queue.waiting, questions: desk.queue.questions, grants: desk.queue.grants, ...counts },
      limits,
      budgets: desk.budgets.list().slice(0, MAX_BUDGETS),
      roots: roots.says,
      audit: { healthy: audit.isHealthy, problem: audit.problem },
      ca: { path: store.certificatePath, fingerprint: store.fingerprint, expires: store.notAfter.toISOString() },
      warnings: [...warnings],
    }
  }

  const operator = await openOperatorDoors({ controlPath, console: options.console, user: env['USER'], clock, desk: { ...desk, status } }).catch(async (error: unknown) => {
    desk.close()
    await audit.close()
    throw error
  })
  if (operator.console !== null) listeners = [...listeners, { address: operator.console.host, port: operator.console.port }]
  const stopAuditing = desk.subscribe(event => { recordEvent(audit, event) })
  if (policy.document.unmatched === 'observe') audit.notice(OBSERVES)
  const stopWatching = options.watch === true && policy.file !== null ? watchFile(policy.file, clock, () => { desk.reload().catch(() => {}) }) : () => {}

  let closing: Promise<void> | null = null
  const close = (): Promise<void> => closing ??= shut()
  async function shut(): Promise<void> {
    state = 'draining'
    stopWatching()
    for (const server of servers.keys()) server.close()
    desk.close()
    front.drain()
    await Promise.race([underway.none(), new Promise<void>(resolve => clock.after(limits.drainMs, resolve))])
    desk.live.close(() => true)
    front.destroy()
    await guard.close()
    acceptor.destroy()
    await forwarder.close()
    await underway.none()
    await operator.close()
    stopAuditing()
    await audit.close()
  }

  function listen(address?: ProxyAddress): Promise<Listening>
  function listen(addresses: SharedAddresses): Promise<Shared>
  function listen(given: ProxyAddress | SharedAddresses = {}): Promise<Listening | Shared> {
    return 'transparent' in given ? listenTransparent(given) : listenPlainly(given)
  }

  async function listenPlainly({ host = '127.0.0.1', port = 0 }: ProxyAddress): Promise<Listening> {
    if (state !== 'running') throw new OperatorError('E_CLOSED', {})
    if (!isLoopback(host) && tokens.length === 0 && allowFrom.length === 0) throw new OperatorError('E_LISTEN_OPEN', { address: `${host}:${port}` })
    const { server, address } = await listenOn({ host, port }, acceptor.accept).catch((error: NodeJS.ErrnoException) => {
      throw new OperatorError('E_LISTEN_FAILED', { address: `${host}:${port}`, problem: error.code ?? error.message }, error)
    })
    const bound = { host: address.address, port: address.port }
    servers.set(server, bound)
    listeners = [...listeners, { address: bound.host, port: bound.port }]
    return { url: urlOf(bound), ...bound }
  }

  async function listenTransparent(addresses: SharedAddresses): Promise<Shared> {
    if (state !== 'running') throw new OperatorError('E_CLOSED', {})
    const opened = await guard.open(addresses, readSearchDomains())
    listeners = [...listeners, ...[opened.transparent, ...opened.dns].map(({ host, port }) => ({ address: host, port }))]
    return opened
  }

  return {
    listen,
    handle: acceptor.accept,
    transparent: (doors, terms) => {
      if (state !== 'running') throw new OperatorError('E_CLOSED', {})
      return guard.serve(doors, terms)
    },
    listenTransparent,
    pending: desk.pending,
    answer: (id, answer) => desk.answer(id, answer, 'library'),
    reload: desk.reload,
    decide(request) {
      const normalized = describeRequest(request)
      if (normalized.kind === 'refused') return { action: 'refused', rule: null, code: normalized.code, reason: normalized.reason, wouldHold: false }
      return told(desk.decide(normalized.facts, null))
    },
    explain(request) {
      const normalized = describeRequest(request)
      if (normalized.kind === 'refused') return { refused: normalized.reason }
      return explain(desk.inForce.ruleset, desk.inForce.grants, normalized.facts, { now: clock.now(), used: () => 0 })
    },
    env() {
      const [first] = servers.values()
      return clientEnvironment({ proxyUrl: first === undefined ? null : urlOf(first), caPath: store.certificatePath, bundlePath: bundle })
    },
    status,
    subscribe: desk.subscribe,
    ca: { path: store.certificatePath, bundle, fingerprint: store.fingerprint, dir: store.dir },
    control: operator.control?.path ?? null,
    console: operator.console,
    close,
    [Symbol.asyncDispose]: close,
  }
}
