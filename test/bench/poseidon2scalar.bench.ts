// Block hashes by the scalar kernel in Node, beside plain C: what engines without relaxed SIMD have.

import type { Bench } from './harness.ts'
import { buildNative, hasClang, measureNative } from './poseidon2native.ts'
import { measureKernel, poseidon2Figures } from './poseidon2sides.ts'

export const bench: Bench = {
  name: 'poseidon2-scalar',
  title: 'Poseidon2, scalar, Node',
  rounds: 5,
  figures: poseidon2Figures(0.55),
  ...(hasClang() ? { peerTitle: 'plain C, clang -O3', prepare: async (place) => buildNative(place) } : {}),
  sides: {
    ours: ({ quick }) => measureKernel('scalar', quick),
    ...(hasClang() ? { peer: async (place) => measureNative(place) } : {}),
  },
}
