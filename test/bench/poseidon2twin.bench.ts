// Block hashes by the scalar kernel in Node, beside its twin in BigInt: what a program without a kernel would have.

import type { Bench } from './harness.ts'
import { measureKernel, measureTwin, poseidon2Figures } from './poseidon2sides.ts'

export const bench: Bench = {
  name: 'poseidon2-twin',
  title: 'Poseidon2, scalar, Node',
  peerTitle: 'BigInt',
  rounds: 3,
  figures: poseidon2Figures(),
  sides: { ours: ({ quick }) => measureKernel('scalar', quick), peer: measureTwin },
}
