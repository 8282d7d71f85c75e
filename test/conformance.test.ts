/** The vectors: data that decides what the policy language means. */
import { runFolder } from './helpers/run-folder.ts'

await runFolder('conformance')
