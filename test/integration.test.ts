/** What several rooms do together, over real sockets. */
import { runFolder } from './helpers/run-folder.ts'

await runFolder('integration')
