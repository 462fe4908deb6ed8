// Transforms and sums of products by the relaxed SIMD field kernel in Node, beside ffjavascript.

import { setFlagsFromString } from 'node:v8'

import { fieldFigures, measureFfjavascript, measureKernel } from './fieldsides.ts'
import type { Bench } from './harness.ts'

export const bench: Bench = {
  name: 'field',
  title: 'Field kernel, relaxed SIMD, Node',
  peerTitle: 'ffjavascript, one thread',
  rounds: 3,
  figures: fieldFigures(0.33),
  sides: {
    async ours({ quick }) {
      setFlagsFromString('--experimental-wasm-relaxed-simd')
      return measureKernel('relaxed-simd', quick)
    },
    async peer({ quick }) {
      // Only for making the points quickly.
      setFlagsFromString('--experimental-wasm-relaxed-simd')
      return measureFfjavascript(quick)
    },
  },
}
