// Brings the field kernel up: the one door to it. It finds out which variant the engine runs rightly and keeps nothing.

import { CodexError } from '../../src/lib/errors.ts'
import { FieldKernel, type FieldVariant } from './fieldkernel.ts'
import type { KernelExports } from './kernelexports.ts'

/**
 * A kernel with a memory of its own, below a MiB at first; it grows with what is placed in it. Nothing is fetched.
 *
 * Relaxed SIMD is used where the engine compiles it and its multiply-add rounds once; where it rounds twice the results would
 * be wrong. Node 20 compiles it only after a switch that the platform has to throw beforehand.
 * @param options `variant`: that one and no other, for tests and benches; `maxBytes` that the memory may grow to
 * @throws CodexError `field/no-relaxed-simd` where that variant was asked for and the engine has it not
 */
export async function loadField(
  options: { readonly variant?: FieldVariant; readonly maxBytes?: number } = {},
): Promise<FieldKernel> {
  const { variant, maxBytes } = options
  const relaxed = variant === 'scalar' ? undefined : await instantiateRelaxed()
  if (relaxed !== undefined) return new FieldKernel('relaxed-simd', relaxed, maxBytes)
  if (variant !== 'relaxed-simd') return new FieldKernel('scalar', await instantiateScalar(), maxBytes)
  throw new CodexError(
    'field/no-relaxed-simd',
    'expected an engine with relaxed SIMD whose multiply-add is fused, found none: use the scalar variant',
  )
}

async function instantiateScalar(): Promise<KernelExports> {
  const { SCALAR_WASM } = await import('./scalarwasm.ts')
  return instantiate(decode(SCALAR_WASM))
}

async function instantiateRelaxed(): Promise<KernelExports | undefined> {
  const { RELAXED_WASM } = await import('./relaxedwasm.ts')
  const code = decode(RELAXED_WASM)
  if (!WebAssembly.validate(code)) return undefined
  const exports = await instantiate(code)
  return exports.isFused?.() === 1 ? exports : undefined
}

function decode(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
}

async function instantiate(code: Uint8Array<ArrayBuffer>): Promise<KernelExports> {
  const { instance } = await WebAssembly.instantiate(code)
  return instance.exports as unknown as KernelExports
}
