/** The house's own rules. */
import { runFolder } from './helpers/run-folder.ts'

await runFolder('house')
