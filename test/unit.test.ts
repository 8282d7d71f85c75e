/** The units: a folder for each room of lib/. */
import { runFolder } from './helpers/run-folder.ts'

await runFolder('unit')
