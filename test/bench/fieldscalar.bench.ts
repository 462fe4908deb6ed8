// Transforms and sums of products by the scalar field kernel in Node, beside ffjavascript.

import { setFlagsFromString } from 'node:v8'

import { fieldFigures, measureFfjavascript, measureKernel } from './fieldsides.ts'
import type { Bench } from './harness.ts'

export const bench: Bench = {
  name: 'field-scalar',
  title: 'Field kernel, scalar, Node',
  peerTitle: 'ffjavascript, one thread',
  rounds: 3,
  figures: fieldFigures(0.5),
  sides: {
    async ours({ quick }) {
      return measureKernel('scalar', quick)
    },
    async peer({ quick }) {
      // Only for making the points quickly.
      setFlagsFromString('--experimental-wasm-relaxed-simd')
      return measureFfjavascript(quick)
    },
  },
}
