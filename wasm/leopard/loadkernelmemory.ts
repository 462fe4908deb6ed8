// Instantiates the compiled kernel with a memory of its own. It keeps nothing: two calls give two instances.

import { CodexError } from '../../src/lib/errors.ts'
import type { KernelExports } from './kernelexports.ts'
import { KernelMemory } from './kernelmemory.ts'

/** @throws CodexError `erasure/no-simd` where the engine has no SIMD128 */
export async function loadKernelMemory(): Promise<KernelMemory> {
  const { LEOPARD_WASM } = await import('./leopardwasm.ts')
  const code = Uint8Array.from(atob(LEOPARD_WASM), (character) => character.charCodeAt(0))
  if (!WebAssembly.validate(code))
    throw new CodexError('erasure/no-simd', 'expected an engine with WebAssembly SIMD, found one without: update it')
  const { instance } = await WebAssembly.instantiate(code)
  return new KernelMemory(instance.exports as unknown as KernelExports)
}
