// Throws the switch that Node 20 wants before it compiles relaxed SIMD; browsers need none. It does not look whether it helped.

import type * as V8Module from 'node:v8'

/** By a name that bundlers for the browser do not follow. */
const V8 = 'node:v8'

export async function switchRelaxedSimdOn(): Promise<void> {
  if ('window' in globalThis) return
  const { setFlagsFromString } = (await import(/* @vite-ignore */ V8)) as typeof V8Module
  setFlagsFromString('--experimental-wasm-relaxed-simd')
}
