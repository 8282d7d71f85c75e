/**
 * mockttp as a proxy: a rule for each host that may be reached passes it through, what no rule matches is answered 503.
 * https://httptoolkit.github.io/mockttp/ (RequestRuleBuilder: forHost, withHeaders, thenPassThrough)
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { generateCACertificate, getLocal } from 'mockttp'

const { CONFORMANCE_DIR, CONFORMANCE_PORT, CONFORMANCE_CA, PEER_DIR } = process.env
const { lanes } = JSON.parse(readFileSync(`${CONFORMANCE_DIR}/setup.json`, 'utf8'))

const ca = await generateCACertificate()
writeFileSync(`${PEER_DIR}/ca.pem`, ca.cert)

const server = getLocal({ https: ca, recordTraffic: false })
await server.start(Number(CONFORMANCE_PORT))
for (const { allowed } of lanes) {
  // Where it goes, and whom it names.
  await server.forAnyRequest().forHost(allowed).withHeaders({ host: allowed }).thenPassThrough({ additionalTrustedCAs: [{ certPath: CONFORMANCE_CA }] })
}
