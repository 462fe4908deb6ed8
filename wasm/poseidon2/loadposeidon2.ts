// Brings the Poseidon2 kernel up: the one door to it. It finds out which variant the engine runs rightly and keeps nothing.

import { CodexError } from '../../src/lib/errors.ts'
import type { KernelExports } from './kernelexports.ts'
import { Poseidon2Kernel, type Poseidon2Variant } from './poseidon2kernel.ts'

/**
 * A kernel with a memory of its own, 128 KiB, that never grows. Compiling takes a few milliseconds; nothing is fetched.
 *
 * Relaxed SIMD is used where the engine compiles it and its multiply-add rounds once; where it rounds twice the results would
 * be wrong, and where it cannot be brought up the scalar variant takes its place. Node 20 compiles it only after a switch that the platform has to throw beforehand.
 * @param options `variant`: that one and no other, for tests and benches
 * @throws CodexError `poseidon2/no-relaxed-simd` where that variant was asked for and the engine has it not
 */
export async function loadPoseidon2(options: { readonly variant?: Poseidon2Variant } = {}): Promise<Poseidon2Kernel> {
  if (options.variant === 'scalar') return loadScalar()
  const kernel = await loadRelaxed()
  if (kernel !== undefined) return kernel
  if (options.variant === undefined) return loadScalar()
  throw new CodexError(
    'poseidon2/no-relaxed-simd',
    'expected an engine with relaxed SIMD whose multiply-add is fused, found none: use the scalar variant',
  )
}

async function loadScalar(): Promise<Poseidon2Kernel> {
  const { SCALAR_WASM } = await import('./scalarwasm.ts')
  return new Poseidon2Kernel('scalar', await instantiate(decode(SCALAR_WASM)))
}

async function loadRelaxed(): Promise<Poseidon2Kernel | undefined> {
  const { RELAXED_WASM } = await import('./relaxedwasm.ts')
  const code = decode(RELAXED_WASM)
  if (!WebAssembly.validate(code)) return undefined
  // An engine that passes the code may still not compile or hold it: the scalar one asks for less.
  const exports = await instantiate(code).catch(() => undefined)
  return exports?.isFused?.() === 1 ? new Poseidon2Kernel('relaxed-simd', exports) : undefined
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

async function instantiate(code: Uint8Array<ArrayBuffer>): Promise<KernelExports> {
  const { instance } = await WebAssembly.instantiate(code)
  return instance.exports as unknown as KernelExports
}
