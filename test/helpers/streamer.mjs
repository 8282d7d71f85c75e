/** The built firewall in a process of its own, with nothing beside it, so that its memory can be read: run by large-bodies.test.ts. */
import { createFirewall } from '../../dist/lib/index.js'

const [, , originPort = '0', certs = ''] = process.argv
const firewall = await createFirewall({
  policy: { version: 1, rules: [{ id: 'open', host: 'open.test', port: Number(originPort), private: true, access: 'full', scheme: ['http', 'https'] }] },
  certs, env: {}, lookup: async () => ['127.0.0.1'],
})
let peak = 0
setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()) }, 20).unref()
process.send({ port: (await firewall.listen()).port })
process.on('message', () => process.send({ peak }))
process.on('disconnect', () => process.exit())
