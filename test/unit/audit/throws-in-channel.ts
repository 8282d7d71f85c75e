/** A process with a subscriber that throws. With `handled` it handles what Node raises. */
import { subscribe } from 'node:diagnostics_channel'
import { publish } from '../../../lib/audit/channel.ts'

if (process.argv[2] === 'handled') process.on('uncaughtException', error => { console.log(`raised: ${error.message}`) })
let isHeard = false
subscribe('sallyport:flow:normalized', () => { throw new Error('from a subscriber') })
subscribe('sallyport:flow:normalized', () => { isHeard = true })
publish('normalized', { flow: 'f1', client: 'c', scheme: 'https', host: 'a.test', port: 443, method: 'GET', target: '/' })
console.log('published')
if (isHeard) console.log('heard by another')
