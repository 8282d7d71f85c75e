/**
 * The variables and small files of a sandboxed command: its own, without what leads to places that it cannot
 * reach, and with what makes every client trust the CA.
 */
import { clientEnvironment, clientFiles } from '../tls/environment.ts'
import type { OwnFile } from './command.ts'

type Env = Readonly<Record<string, string | undefined>>

/** Where the command finds what clients need of the CA. */
const FOLDER = '/run/sallyport'
export const TRUST = { ca: `${FOLDER}/ca.crt`, bundle: `${FOLDER}/ca-bundle.crt`, javaStore: `${FOLDER}/trust.jks` } as const

/** Of a proxy, which the command does not need: every connection arrives at the firewall by itself. */
const PROXY = /(?:^|_)(?:https?|all|no|ftp)_?proxy$|^npm_config_proxy$|^node_use_env_proxy$/i
/** Each names a socket or a folder of the host that is not there inside. */
const DOORS = [
  'SSH_AUTH_SOCK', 'SSH_AGENT_PID', 'GPG_AGENT_INFO', 'DBUS_SESSION_BUS_ADDRESS', 'DBUS_SYSTEM_BUS_ADDRESS', 'DISPLAY', 'WAYLAND_DISPLAY',
  'XAUTHORITY', 'XDG_RUNTIME_DIR', 'DOCKER_HOST', 'CONTAINER_HOST', 'PULSE_SERVER', 'PIPEWIRE_REMOTE', 'NOTIFY_SOCKET', 'LISTEN_FDS',
  'LISTEN_PID', 'TMUX', 'STY', 'NODE_CHANNEL_FD', 'NODE_UNIQUE_ID', 'TMPDIR', 'TMP', 'TEMP', 'SSL_CERT_DIR',
]

export interface Surroundings {
  readonly env: Readonly<Record<string, string>>
  readonly files: readonly OwnFile[]
}

/**
 * @param env  what the command would have without us
 * @param kept  variables that stay although they lead to a socket, because that was named
 * @param hasJavaStore  a trust store for Java is shown at `TRUST.javaStore`
 */
export function surround(env: Env, { resolvers, resolverFile, hostsFile, hostname, hasJavaStore, proxyUrl = null, kept = [] }: {
  /** Addresses that the firewall answers questions for names at. */
  readonly resolvers: readonly string[]
  /** Where `/etc/resolv.conf` leads. */
  readonly resolverFile: string
  /** Where `/etc/hosts` leads. */
  readonly hostsFile: string
  readonly hostname: string
  readonly hasJavaStore: boolean
  /** For clients that read the variables of a proxy, where that is the only way out. Default: none. */
  readonly proxyUrl?: string | null
  readonly kept?: readonly string[]
}): Surroundings {
  const own = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)
    .filter(([name]) => !PROXY.test(name) && (!DOORS.includes(name) || kept.includes(name)))
  const trust = { proxyUrl, caPath: TRUST.ca, bundlePath: TRUST.bundle }
  const pointed = clientFiles(trust).map(file => ({ ...file, path: `${FOLDER}/${file.name}` }))
  return {
    env: {
      ...Object.fromEntries(own),
      ...clientEnvironment(trust),
      ...Object.fromEntries(pointed.map(({ variable, path }) => [variable, path])),
      ...hasJavaStore ? { JAVA_TOOL_OPTIONS: `${env['JAVA_TOOL_OPTIONS'] ?? ''} -Djavax.net.ssl.trustStore=${TRUST.javaStore}`.trim() } : {},
      SALLYPORT: '1',
    },
    files: [
      ...pointed.map(({ path, text }) => ({ path, data: text })),
      { path: resolverFile, data: `${resolvers.map(address => `nameserver ${address}`).join('\n')}\noptions timeout:5 attempts:2\n` },
      // The host's own may name addresses, and an address has no name to be judged by.
      { path: hostsFile, data: `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 ${hostname}\n` },
    ],
  }
}
