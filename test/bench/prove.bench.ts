// A proof of the full circuit in Node on two threads, beside snarkjs.

import { proveBench } from './proveinnode.ts'

export const bench = proveBench({ name: 'prove', title: 'Full proof, Node, 2 threads', threads: 2, atLeast: 3 })
