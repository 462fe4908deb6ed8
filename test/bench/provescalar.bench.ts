// A proof of the full circuit in Node on two threads without relaxed SIMD, beside snarkjs.

import { proveBench } from './proveinnode.ts'

export const bench = proveBench({
  name: 'prove-scalar',
  title: 'Full proof without relaxed SIMD, Node, 2 threads',
  threads: 2,
  atLeast: 2,
  script: new URL('../children/scalarprover.nodejs.ts', import.meta.url),
})
