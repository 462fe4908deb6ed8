// Block hashes by the relaxed SIMD kernel in Node, beside plain C.

import { setFlagsFromString } from 'node:v8'

import type { Bench } from './harness.ts'
import { buildNative, hasClang, measureNative } from './poseidon2native.ts'
import { measureKernel, poseidon2Figures } from './poseidon2sides.ts'

export const bench: Bench = {
  name: 'poseidon2',
  title: 'Poseidon2, relaxed SIMD, Node',
  rounds: 5,
  figures: poseidon2Figures(0.8),
  ...(hasClang() ? { peerTitle: 'plain C, clang -O3', prepare: async (place) => buildNative(place) } : {}),
  sides: {
    async ours({ quick }) {
      setFlagsFromString('--experimental-wasm-relaxed-simd')
      return measureKernel('relaxed-simd', quick)
    },
    ...(hasClang() ? { peer: async (place) => measureNative(place) } : {}),
  },
}
