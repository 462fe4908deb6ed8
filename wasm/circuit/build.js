// Compiles the storage proof's circuit from the command line: `node wasm/circuit/build.js [full|small] [FOLDER]`, and says as JSON where
// it put it. The folder is a cache by content. All else is compilecircuit.ts', which vite reads because templates are imported as text.

import { fileURLToPath } from 'node:url'
import { resolve } from 'node:path'

import { runnerImport } from 'vite'

const PARAMETERS = { full: 'FULL_CIRCUIT', small: 'SMALL_CIRCUIT' }
const DEFAULT_FOLDER = '../../node_modules/.cache/codex-light/circuits'
const USAGE_EXIT_CODE = 2

const [size = 'full', folder = pathOf(DEFAULT_FOLDER)] = process.argv.slice(2)
if (Object.hasOwn(PARAMETERS, size)) {
  const { storageProofMain, ...parameters } = await load('./templates.ts')
  const { compileCircuit } = await load('./compilecircuit.ts')
  const compiled = await compileCircuit(storageProofMain(parameters[PARAMETERS[size]]), resolve(folder))
  process.stdout.write(`${JSON.stringify(compiled, undefined, 2)}\n`)
} else {
  process.stderr.write(`expected full or small, found ${JSON.stringify(size)}\n`)
  process.exitCode = USAGE_EXIT_CODE
}

function pathOf(relative) {
  return fileURLToPath(new URL(relative, import.meta.url))
}

async function load(relative) {
  const { module } = await runnerImport(pathOf(relative), { configFile: false, logLevel: 'error' })
  return module
}
