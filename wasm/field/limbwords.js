// How the scalar kernel turns 32 bytes into limbs and back. It multiplies nothing.

import { LIMB, LIMBS, LIMB_BITS } from '../poseidon2/limbfield.js'

/** An element's 40 bytes as the text of five 64-bit words: two limbs each. */
export function elementWords(field, value) {
  const limbs = [...field.limbsOf(value), 0n]
  return [0, 2, 4, 6, 8].map((i) => `${limbs[i] | (limbs[i + 1] << 32n)}`)
}

/** @param fields `[name, field]` pairs */
export function wordsText(fields) {
  const limbs = Array.from({ length: LIMBS }, (_, i) => `  store<u32>(SCRATCH, <u32>(${bitsOf(i)}), ${4 * i})\n`)
  return `
/** From 32 bytes to limbs in SCRATCH. */
function unpack(from: usize, lane: usize): void {
  const w0 = load<u64>(from)
  const w1 = load<u64>(from, 8)
  const w2 = load<u64>(from, 16)
  const w3 = load<u64>(from, 24)
${limbs.join('')}}

/** The limb at an index of SCRATCH. */
function limb(index: usize): u64 {
  return <u64>load<u32>(SCRATCH + 4 * index)
}

/** From SCRATCH, below twice the order, to 32 bytes below the order. */
function packBelow(to: usize, order: usize): void {
  store<u64>(to, limb(0) | (limb(1) << 29) | (limb(2) << 58))
  store<u64>(to, (limb(2) >> 6) | (limb(3) << 23) | (limb(4) << 52), 8)
  store<u64>(to, (limb(4) >> 12) | (limb(5) << 17) | (limb(6) << 46), 16)
  store<u64>(to, (limb(6) >> 18) | (limb(7) << 11) | (limb(8) << 40), 24)
  if (!isBelow(to, order)) subtractWords(to, order)
}
${fields.map(([name, field]) => zeroText(name, field)).join('')}`
}

function zeroText(name, { pLimbs }) {
  const all = (numberOf) => pLimbs.map((_, i) => `load<u32>(vector, ${4 * i}) == ${numberOf(i)}`).join(' &&\n      ')
  return `
function pack${name}(lane: usize, to: usize): void {
  packBelow(to, ORDER_${name})
}

/** Whether a vector that is at most p and a little is zero. */
export function isZero${name}(vector: usize, lane: usize): bool {
  return (
    (${all(() => 0)}) ||
    (${all((i) => pLimbs[i])})
  )
}
`
}

/** The expression of limb `i` out of the little-endian words w0 to w3. */
function bitsOf(i) {
  const at = Number(LIMB_BITS) * i
  const word = at >> 6
  const shift = at & 63
  const parts = [`w${word} >> ${shift}`]
  if (shift > 64 - Number(LIMB_BITS) && word < 3) parts.push(`w${word + 1} << ${64 - shift}`)
  return `(${parts.map((part) => `(${part})`).join(' | ')}) & ${LIMB}`
}
