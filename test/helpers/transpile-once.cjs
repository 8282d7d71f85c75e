/**
 * TypeScript → JavaScript for the tests: each file once for as long as it stays the same.
 *
 * tap runs every test file in a process of its own, and its TypeScript plugin would translate all of lib/ again in each:
 * two thirds of a whole run's time. What comes out is what it always was, source maps included, so coverage is too.
 */
'use strict'
const { createHash, randomBytes } = require('node:crypto')
const { mkdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const ts = require('typescript')

const KEPT = join(__dirname, '../../node_modules/.cache/sallyport-tests')

/** Called by ts-node, which tap's plugin is (`transpiler` in tsconfig.json). */
exports.create = ({ service, nodeModuleEmitKind }) => {
  // By itself `transpileModule` sees no package.json, and would take every file for CommonJS.
  const compilerOptions = nodeModuleEmitKind === 'nodeesm' ? { ...service.config.options, module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler } : service.config.options
  mkdirSync(KEPT, { recursive: true })
  return {
    transpile(code, { fileName }) {
      const key = createHash('sha256').update(JSON.stringify([ts.version, compilerOptions, fileName, code])).digest('hex')
      const kept = read(join(KEPT, key))
      if (kept !== null) return kept
      const { outputText, sourceMapText, diagnostics } = ts.transpileModule(code, { fileName, compilerOptions, reportDiagnostics: true })
      if (diagnostics.length === 0) write(join(KEPT, key), { outputText, sourceMapText })
      return { outputText, sourceMapText, diagnostics }
    },
  }
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return null
  }
}

/** Another test may read it at this moment. */
function write(file, output) {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, JSON.stringify(output))
  renameSync(draft, file)
}
