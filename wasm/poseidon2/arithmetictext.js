// The text of `assembly/arithmetic.ts` for each variant of the kernel, from the constants of the hash. It compiles nothing.

import { readFileSync } from 'node:fs'

import { doubleText } from './doubletext.js'
import { limbText } from './limbtext.js'

/** Of the sponge of rate 2 (data reference §2.7). */
const IV = (1n << 64n) + 256n * 3n + 2n

/** @param variant `'scalar'` or `'relaxed-simd'` */
export function arithmeticText(variant) {
  const { field, external, internal } = JSON.parse(
    readFileSync(new URL('./poseidon2constants.json', import.meta.url), 'utf8'),
  )
  const constants = {
    p: BigInt(field),
    external: external.map((row) => row.map(BigInt)),
    internal: internal.map(BigInt),
    iv: IV,
  }
  return variant === 'scalar' ? limbText(constants) : doubleText(constants)
}
