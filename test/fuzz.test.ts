/** What random inputs find: bounded here, longer with `npm run fuzz`. */
import { runFolder } from './helpers/run-folder.ts'

await runFolder('fuzz')
