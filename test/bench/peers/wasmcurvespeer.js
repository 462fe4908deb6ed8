// The field arithmetic under snarkjs, as its package brings it. Runs from this folder's own packages.

import { createRequire } from 'node:module'

const { code } = createRequire(import.meta.url)('wasmcurves/build/bn128_wasm.js')

export async function loadWasmcurves() {
  const memory = new WebAssembly.Memory({ initial: 25 })
  const { instance } = await WebAssembly.instantiate(Buffer.from(code, 'base64'), { env: { memory } })
  return { memory, exports: instance.exports }
}
