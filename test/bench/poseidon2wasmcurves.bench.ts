// Block hashes by the relaxed SIMD kernel in Node, beside the field arithmetic under snarkjs.

import { setFlagsFromString } from 'node:v8'

import type { Bench } from './harness.ts'
import { measureKernel, poseidon2Figures } from './poseidon2sides.ts'
import { measureWasmcurves } from './poseidon2wasmcurves.ts'

export const bench: Bench = {
  name: 'poseidon2-wasmcurves',
  title: 'Poseidon2, relaxed SIMD, Node',
  peerTitle: 'wasmcurves 0.2.2',
  rounds: 3,
  needsPeers: true,
  figures: poseidon2Figures(),
  sides: {
    async ours({ quick }) {
      setFlagsFromString('--experimental-wasm-relaxed-simd')
      return measureKernel('relaxed-simd', quick)
    },
    peer: measureWasmcurves,
  },
}
