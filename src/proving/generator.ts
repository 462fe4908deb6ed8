// The generators of the two groups as bytes, the way files and kernels have points.

import { bn254 } from '@noble/curves/bn254.js'

import { G1_BYTES, G2_BYTES } from './bn254.ts'
import { writeG1, writeG2 } from './pointbytes.ts'
import type { Group } from './setuparithmetic.ts'

export function generator(group: Group): Uint8Array {
  const bytes = new Uint8Array(group === 'g1' ? G1_BYTES : G2_BYTES)
  if (group === 'g1') writeG1(bn254.G1.Point.BASE.toAffine(), bytes)
  else writeG2(bn254.G2.Point.BASE.toAffine(), bytes)
  return bytes
}
