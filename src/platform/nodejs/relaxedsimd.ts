// Lets V8 compile relaxed SIMD where it wants to be asked first, as in Node 20. It loads no kernel.

import { setFlagsFromString } from 'node:v8'

/** A module whose only instruction is a relaxed one: i8x16.relaxed_swizzle of two zero vectors. */
const PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0],
  ...[1, 5, 1, 96, 0, 1, 123],
  ...[3, 2, 1, 0],
  ...[10, 15, 1, 13, 0, 65, 0, 253, 15, 65, 0, 253, 15, 253, 128, 2, 11],
)

/**
 * Every entry for Node and every thread's script that loads a kernel calls it first, because what was compiled before does not change. It
 * holds for the whole process; where the engine has relaxed SIMD anyway, nothing is touched.
 */
export function enableRelaxedSimd(): void {
  if (!WebAssembly.validate(PROBE)) setFlagsFromString('--experimental-wasm-relaxed-simd')
}
