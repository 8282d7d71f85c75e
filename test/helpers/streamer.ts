/** A firewall in a process of its own, so that its memory can be read: run by large-bodies.test.ts. */
import { openHouse } from './house.ts'

const [, , originPort = '0'] = process.argv
const house = await openHouse({ teardown() {} }, { version: 1, rules: [{ id: 'open', host: 'open.test', port: Number(originPort), private: true, access: 'full', scheme: ['http', 'https'] }] })
let peak = 0
setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()) }, 20).unref()
process.send?.({ port: house.port })
process.on('message', () => process.send?.({ peak }))
process.on('disconnect', () => process.exit())
