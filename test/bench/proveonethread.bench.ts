// A proof of the full circuit in Node on one thread, beside snarkjs, and where the time goes.

import { proveBench } from './proveinnode.ts'

export const bench = proveBench({ name: 'prove-1', title: 'Full proof, Node, 1 thread', threads: 1, atLeast: 2.8 })
