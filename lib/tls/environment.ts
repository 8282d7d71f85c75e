/**
 * What makes clients use the proxy and trust its CA: environment variables, and files for the clients that
 * read none.
 *
 * Each name was tried with its client. They are to override what is set, because a variable left over from
 * elsewhere would send its client around the proxy or into a certificate error.
 */
import { OperatorError } from '../model/errors.ts'

export interface EnvironmentOptions {
  /** `http://127.0.0.1:8080`; null: only trust, no proxy. */
  readonly proxyUrl: string | null
  /** Absolute path of the CA's certificate alone, for clients that add it to their roots. */
  readonly caPath: string
  /** Absolute path of system roots and CA, for clients that take a file instead of their roots. */
  readonly bundlePath: string
  /** Hosts that are called directly, separated by commas; by default loopback, where the client's own services are. */
  readonly noProxy?: string
}

/** A file that a client must be pointed at. */
export interface ClientFile {
  /** What to call it. */
  readonly name: string
  readonly text: string
  /** The variable that takes its path. */
  readonly variable: string
}

/** Clients that take a file of roots in place of their own. */
const TAKE_BUNDLE = [
  'SSL_CERT_FILE', // OpenSSL, Python, Go, Ruby, curl
  'CURL_CA_BUNDLE',
  'GIT_SSL_CAINFO',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'NPM_CONFIG_CAFILE',
  'CARGO_HTTP_CAINFO',
  'AWS_CA_BUNDLE',
  'CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE',
  'NIX_SSL_CERT_FILE',
  'GRPC_DEFAULT_SSL_ROOTS_FILE_PATH',
]
/** Clients that add a file to their own roots. */
const ADD_CA = [
  'NODE_EXTRA_CA_CERTS', // Node, Bun
  'DENO_CERT',
]
/** Most clients read one spelling, some the other; curl reads `http_proxy` in lower case only, as HTTP_PROXY is a request header to CGI. */
const TAKE_PROXY = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy']
const LOOPBACK = 'localhost,127.0.0.1,::1'

/**
 * The variables, by name.
 *
 * `NODE_USE_ENV_PROXY` works from Node 24 on; the `fetch` of 20 and 22 has no variable for a proxy. Java has
 * none that would do without a key store of its own, so JAVA_TOOL_OPTIONS is left alone. `clientFiles` has
 * wget and apt; Chromium trusts what `certutil` puts into its NSS database (certs/README.md).
 */
export function clientEnvironment({ proxyUrl, caPath, bundlePath, noProxy = LOOPBACK }: EnvironmentOptions): Record<string, string> {
  const trust = [...TAKE_BUNDLE.map(name => [name, bundlePath]), ...ADD_CA.map(name => [name, caPath])]
  const proxy = proxyUrl === null ? [] : [
    ...TAKE_PROXY.map(name => [name, proxyUrl]),
    ['NO_PROXY', noProxy],
    ['no_proxy', noProxy],
    ['NODE_USE_ENV_PROXY', '1'],
  ]
  return Object.fromEntries([...trust, ...proxy])
}

/**
 * Texts of configuration files, for clients whose trust no variable carries.
 *
 * @throws OperatorError E_OPTION_INVALID for a path that cannot stand in such a file
 */
export function clientFiles({ proxyUrl, bundlePath }: EnvironmentOptions): readonly ClientFile[] {
  // Neither format has an escape for these.
  if (/["\p{Cc}]/u.test(bundlePath)) {
    throw new OperatorError('E_OPTION_INVALID', { option: '--certs', problem: 'the path has a quote or a control character', fix: 'Name another folder.' })
  }
  const aptProxy = proxyUrl === null ? '' : `Acquire::http::Proxy "${proxyUrl}";\nAcquire::https::Proxy "${proxyUrl}";\n`
  return [
    { name: 'wgetrc', variable: 'WGETRC', text: `ca_certificate = ${bundlePath}\n` },
    { name: 'apt.conf', variable: 'APT_CONFIG', text: `Acquire::https::CAInfo "${bundlePath}";\n${aptProxy}` },
  ]
}
