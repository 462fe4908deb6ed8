// Compiles a circuit for tests, in Node: once, kept where the test server can serve it from.

import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

import { compileCircuit } from '../../wasm/circuit/compilecircuit.ts'

export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CACHE = `${ROOT}node_modules/.cache/codex-light/circuits`

/** From the top of the repository, with forward slashes. */
export interface CircuitPaths {
  readonly r1cs: string
  readonly wasm: string
}

export async function compileForTests(main: string): Promise<CircuitPaths> {
  const { r1cs, wasm } = await compileCircuit(main, CACHE)
  return { r1cs: fromRoot(r1cs), wasm: fromRoot(wasm) }
}

function fromRoot(path: string): string {
  return relative(ROOT, path).split(sep).join('/')
}
