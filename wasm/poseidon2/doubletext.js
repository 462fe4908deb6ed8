// Writes the module `arithmetic` of the relaxed SIMD kernel: the permutation and what turns bytes into its state and back,
// over digits of 51 bits in doubles, two lanes. What the functions are for is said in assembly/kernel.ts.

import { DIGITS, add, addDoubled, doubleField, multiply, normalised, reduced } from './doublefield.js'
import { DIGIT_BITS, GRAIN, Stream } from './exactdoubles.js'

const VECTOR_BYTES = 16
const ELEMENT_BYTES = VECTOR_BYTES * DIGITS
/** Of one element in a table of constants, the same for all lanes. */
const CONSTANT_BYTES = 8 * DIGITS

/** @param constants `{ p, external, internal, iv }`, all `bigint` */
export function doubleText({ p, external, internal, iv }) {
  const field = doubleField(p)
  const montgomery = (value) => field.digitsOf(value * field.factor)
  const table = new VectorTable()
  const top = (max) => (max + (stateDigitMax << (DIGIT_BITS * BigInt(DIGITS - 1) - DIGIT_BITS + 1n))) >> 204n
  /** What a word of the state is at most between two functions: as `reduced` leaves it. */
  const wordMax = p / 2n + (p >> 40n)
  /** The same of an S-box's result. */
  const boxedMax = (65n * p) / 100n
  /** Of all digits but the top one: half a grain and what is carried into it. */
  const stateDigitMax = GRAIN / 2n + 16n

  const body = (write) => {
    const stream = new Stream('d', table)
    write(stream)
    return [...table.taken(), ...stream.lines].map((line) => `  ${line}\n`).join('')
  }
  const load = (stream, word, offset, max) => ({
    digits: Array.from({ length: DIGITS }, (_, i) =>
      stream.load(`v128.load(${word}, ${offset + VECTOR_BYTES * i})`, i < DIGITS - 1 ? stateDigitMax : top(max)),
    ),
    max,
  })
  const constant = (stream, offset) => ({
    digits: Array.from({ length: DIGITS }, (_, i) =>
      stream.load(`v128.load64_splat(constants, ${offset + 8 * i})`, i < DIGITS - 1 ? GRAIN / 2n : top(p / 2n)),
    ),
    max: p / 2n,
  })
  const store = (stream, word, offset, { digits, max }, bound) => {
    if (max > bound) throw new Error(`a word of up to ${Number(max) / Number(p)} p`)
    digits.forEach((digit, i) => {
      if (digit.max > (i < DIGITS - 1 ? stateDigitMax : top(bound))) throw new Error('a digit that is too large')
      stream.store(word, digit, offset + VECTOR_BYTES * i)
    })
  }
  const box = (stream, x) => {
    const square = multiply(stream, field, x, x)
    return multiply(stream, field, multiply(stream, field, square, square), x)
  }
  const words = [0, 1, 2]

  const linear = (stream) => {
    const state = words.map((word) => load(stream, 'STATE', ELEMENT_BYTES * word, boxedMax))
    const total = state.reduce((sum, word) => add(stream, sum, word))
    for (const word of words) {
      const next = add(stream, add(stream, total, state[word]), constant(stream, CONSTANT_BYTES * word))
      store(stream, 'STATE', ELEMENT_BYTES * word, reduced(stream, field, next), wordMax)
    }
  }
  const inner = (stream) => {
    const [x, y, z] = words.map((word) => load(stream, 'STATE', ELEMENT_BYTES * word, wordMax))
    const u = box(stream, x)
    const others = add(stream, y, z)
    const total = add(stream, u, others)
    const next = [
      add(stream, addDoubled(stream, u, others), constant(stream, 0)),
      add(stream, total, y),
      addDoubled(stream, z, total),
    ]
    next.forEach((word, i) => store(stream, 'STATE', ELEMENT_BYTES * i, reduced(stream, field, word), wordMax))
  }
  const boxed = (stream) => store(stream, 'word', 0, box(stream, load(stream, 'word', 0, wordMax)), boxedMax)
  const adding = (stream) => {
    for (const word of words) {
      const sum = add(
        stream,
        load(stream, 'STATE', ELEMENT_BYTES * word, wordMax),
        constant(stream, CONSTANT_BYTES * word),
      )
      store(stream, 'STATE', ELEMENT_BYTES * word, reduced(stream, field, sum), wordMax)
    }
  }
  const entering = (stream) => {
    const digits = Array.from({ length: DIGITS }, (_, i) =>
      stream.load(`v128.load(SCRATCH, ${VECTOR_BYTES * i})`, i < DIGITS - 1 ? GRAIN - 1n : 1n << 50n),
    )
    const value = normalised(stream, { digits, max: 1n << 254n })
    const factor = { digits: field.digitsOf(field.factor ** 2n).map((d) => stream.constant(d)), max: p / 2n }
    const sum = add(stream, load(stream, 'word', 0, wordMax), multiply(stream, field, value, factor))
    store(stream, 'word', 0, reduced(stream, field, sum), wordMax)
  }
  const leaving = (stream) => {
    const one = { digits: [1n, 0n, 0n, 0n, 0n].map((d) => stream.constant(d)), max: 1n }
    const value = multiply(stream, field, load(stream, 'word', 0, wordMax), one)
    if (value.max >= p) throw new Error('a result that is not within p of zero')
    value.digits.forEach((digit, i) => stream.store('SCRATCH', digit, VECTOR_BYTES * i))
  }

  const none = Array.from({ length: DIGITS }, () => 0n)
  const rows = external.map((row) => row.map(montgomery))
  const first = internal.map(montgomery)
  const bodies = Object.entries({ linear, inner, boxed, adding, entering, leaving }).map(([name, write]) => [
    name,
    body(write),
  ])
  const text = Object.fromEntries(bodies)
  const doubles = (digits) => data(digits.flat(3).map((digit) => bits(Number(digit))))
  const pDigits = Array.from({ length: DIGITS }, (_, i) => (p >> (DIGIT_BITS * BigInt(i))) & (GRAIN - 1n))
  return `// Generated by doubletext.js.
export const LANES: usize = 2
const GRAIN: i64 = ${GRAIN}
const DIGIT: u64 = ${GRAIN - 1n}
export const STATE: usize = memory.data(${3 * ELEMENT_BYTES}, 16)
const SCRATCH: usize = memory.data(${ELEMENT_BYTES}, 16)
/** Constants of the arithmetic, in both lanes. */
const TABLE: usize = ${data(table.values.flatMap((value) => [bits(value), bits(value)]))}
const IV: usize = ${doubles([none, none, montgomery(iv)])}
/** Of the linear layers up to the first inner round, one row of three words each. */
const BEFORE: usize = ${doubles([...rows.slice(0, 4), [first[0], none, none]])}
/** Of the first word after each inner round. */
const INNER: usize = ${doubles([...first.slice(1), none])}
/** Added after the inner rounds, and then after each outer one. */
const AFTER: usize = ${doubles([...rows.slice(4), [none, none, none]])}

export function reset(): void {
  for (let i: usize = 0; i < ${3 * DIGITS}; i++) v128.store(STATE + 16 * i, v128.load64_splat(IV + 8 * i))
}

export function clear(word: usize): void {
  memory.fill(STATE + ${ELEMENT_BYTES} * word, 0, ${ELEMENT_BYTES})
}

export function enter(index: usize, from: usize, stride: usize, topMask: u64): void {
  for (let lane: usize = 0; lane < 2; lane++) {
    const at = from + stride * lane
    const to = SCRATCH + 8 * lane
    const w0 = load<u64>(at)
    const w1 = load<u64>(at, 8)
    const w2 = load<u64>(at, 16)
    const w3 = load<u64>(at, 24) & topMask
    store<f64>(to, <f64>(<i64>(w0 & DIGIT)))
    store<f64>(to, <f64>(<i64>(((w0 >> 51) | (w1 << 13)) & DIGIT)), 16)
    store<f64>(to, <f64>(<i64>(((w1 >> 38) | (w2 << 26)) & DIGIT)), 32)
    store<f64>(to, <f64>(<i64>(((w2 >> 25) | (w3 << 39)) & DIGIT)), 48)
    store<f64>(to, <f64>(<i64>(w3 >> 12)), 64)
  }
  const word = STATE + ${ELEMENT_BYTES} * index
${text.entering}}

export function leave(index: usize, to: usize, stride: usize): void {
  const word = STATE + ${ELEMENT_BYTES} * index
${text.leaving}
  for (let lane: usize = 0; lane < 2; lane++) writeElement(SCRATCH + 8 * lane, to + stride * lane)
}

/** From digits of a value within p of zero to 32 bytes. */
function writeElement(from: usize, to: usize): void {
  let d0 = <i64>load<f64>(from)
  let d1 = <i64>load<f64>(from, 16) + (d0 >> 51)
  let d2 = <i64>load<f64>(from, 32) + (d1 >> 51)
  let d3 = <i64>load<f64>(from, 48) + (d2 >> 51)
  let d4 = <i64>load<f64>(from, 64) + (d3 >> 51)
  const mask = GRAIN - 1
  const isNegative = d4 >> 63
  d0 = (d0 & mask) + (isNegative & ${pDigits[0]})
  d1 = (d1 & mask) + (isNegative & ${pDigits[1]}) + (d0 >> 51)
  d2 = (d2 & mask) + (isNegative & ${pDigits[2]}) + (d1 >> 51)
  d3 = (d3 & mask) + (isNegative & ${pDigits[3]}) + (d2 >> 51)
  d4 = d4 + (isNegative & ${pDigits[4]}) + (d3 >> 51)
  d0 &= mask
  d1 &= mask
  d2 &= mask
  d3 &= mask
  store<i64>(to, d0 | (d1 << 51))
  store<i64>(to, (d1 >> 13) | (d2 << 38), 8)
  store<i64>(to, (d2 >> 26) | (d3 << 25), 16)
  store<i64>(to, (d3 >> 39) | (d4 << 12), 24)
}

function box(word: usize): void {
${text.boxed}}

function linear(constants: usize): void {
${text.linear}}

function add(constants: usize): void {
${text.adding}}

function outer(constants: usize): void {
  for (let round: usize = 0; round < 4; round++) {
    for (let word: usize = 0; word < 3; word++) box(STATE + ${ELEMENT_BYTES} * word)
    linear(constants + ${3 * CONSTANT_BYTES} * round)
  }
}

function inner(): void {
  const end = INNER + ${56 * CONSTANT_BYTES}
  for (let constants = INNER; constants < end; constants += ${CONSTANT_BYTES}) {
${text.inner}  }
}

export function permute(): void {
  linear(BEFORE)
  outer(BEFORE + ${3 * CONSTANT_BYTES})
  inner()
  add(AFTER)
  outer(AFTER + ${3 * CONSTANT_BYTES})
}
`
}

function data(values) {
  return `memory.data<u64>([${values.join(', ')}], 16)`
}

/** A double as the 64 bits that store it. */
function bits(value) {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  return `0x${view.getBigUint64(0).toString(16)}`
}

/** Vectors that the lines of a body load once, at its beginning. */
class VectorTable {
  values = []
  #taken = new Set()

  named(text) {
    const value = text === '2 ** -51' ? 2 ** -51 : Number(text)
    const found = this.values.indexOf(value)
    const index = found < 0 ? this.values.push(value) - 1 : found
    this.#taken.add(index)
    return `k${index}`
  }

  /** The lines that load what was named since the last call. */
  taken() {
    const lines = [...this.#taken].map((index) => `const k${index} = v128.load(TABLE, ${VECTOR_BYTES * index})`)
    this.#taken.clear()
    return lines
  }
}
