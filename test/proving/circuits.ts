// Circuits compiled for tests, in Node and in a tab. Each is compiled once and kept under node_modules/.cache.

import { FULL_CIRCUIT, SMALL_CIRCUIT, storageProofMain, templateMain } from '../../wasm/circuit/templates.ts'
import { compiledBytes } from './compiledbytes.ts'

export interface CircuitBytes {
  readonly r1cs: Uint8Array
  readonly wasm: Uint8Array
}

export function smallCircuit(): Promise<CircuitBytes> {
  return compiledBytes(storageProofMain(SMALL_CIRCUIT))
}

export function fullCircuit(): Promise<CircuitBytes> {
  return compiledBytes(storageProofMain(FULL_CIRCUIT))
}

/** One template alone, such as `Sponge(3)` of `hash.circom`. */
export function templateCircuit(
  file: string,
  component: string,
  publicInputs: readonly string[] = [],
): Promise<CircuitBytes> {
  return compiledBytes(templateMain(file, component, publicInputs))
}
