// How the relaxed SIMD kernel turns 32 bytes into digits and back, one lane after the other. It multiplies nothing.

import { GRAIN } from '../poseidon2/exactdoubles.js'
import { bits, writeElementText } from '../poseidon2/doubletext.js'

/** An element's 40 bytes as the text of five 64-bit words. */
export function elementWords(field, value) {
  return field.digitsOf(value).map((digit) => bits(Number(digit)))
}

/** @param fields `[name, field]` pairs */
export function wordsText(fields) {
  return `
/** From 32 bytes below 2^255 to digits that are not negative, in one lane of SCRATCH. */
function unpack(from: usize, lane: usize): void {
  const to = SCRATCH + 8 * lane
  const w0 = load<u64>(from)
  const w1 = load<u64>(from, 8)
  const w2 = load<u64>(from, 16)
  const w3 = load<u64>(from, 24)
  store<f64>(to, <f64>(<i64>(w0 & ${GRAIN - 1n})))
  store<f64>(to, <f64>(<i64>(((w0 >> 51) | (w1 << 13)) & ${GRAIN - 1n})), 16)
  store<f64>(to, <f64>(<i64>(((w1 >> 38) | (w2 << 26)) & ${GRAIN - 1n})), 32)
  store<f64>(to, <f64>(<i64>(((w2 >> 25) | (w3 << 39)) & ${GRAIN - 1n})), 48)
  store<f64>(to, <f64>(<i64>(w3 >> 12)), 64)
}
${fields
  .map(
    ([name, { p }]) => `
${writeElementText(p, `write${name}`)}
/** From one lane of SCRATCH, within p of zero. */
function pack${name}(lane: usize, to: usize): void {
  write${name}(SCRATCH + 8 * lane, to)
}

/** Whether one lane of a vector that is of least magnitude is zero. */
export function isZero${name}(vector: usize, lane: usize): bool {
  const at = vector + 8 * lane
  return (
    load<f64>(at) == 0 &&
    load<f64>(at, 16) == 0 &&
    load<f64>(at, 32) == 0 &&
    load<f64>(at, 48) == 0 &&
    load<f64>(at, 64) == 0
  )
}
`,
  )
  .join('')}`
}
