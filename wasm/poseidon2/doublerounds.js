// The lines inside the rounds of the relaxed SIMD kernel, over digits of 51 bits in doubles. Between two bodies a word of the
// state is within `#wordMax`, or after an S-box within `#boxedMax`; whoever loads it relies on that, whoever stores it is held to it.

import { DIGITS, add, addDoubled, multiply, normalised, reduced } from './doublefield.js'
import { DIGIT_BITS, GRAIN, Stream } from './exactdoubles.js'

export const VECTOR_BYTES = 16
export const ELEMENT_BYTES = VECTOR_BYTES * DIGITS
/** Of one element in a table of constants, the same for all lanes. */
export const CONSTANT_BYTES = 8 * DIGITS

const TOP = DIGITS - 1
const TOP_BITS = DIGIT_BITS * BigInt(TOP)
/** Of all digits but the top one: half a grain and what is carried into it. */
const DIGIT_MAX = GRAIN / 2n + 16n
const WORDS = [0, 1, 2]

export class DoubleRounds {
  #field
  #table
  #wordMax
  #boxedMax

  /** @param table takes the constants that the lines name, see {@link Stream} */
  constructor(field, table) {
    this.#field = field
    this.#table = table
    this.#wordMax = field.p / 2n + (field.p >> 40n)
    this.#boxedMax = (65n * field.p) / 100n
  }

  /** The body of each function by its name. */
  lines() {
    const written = {}
    for (const name of ['linear', 'inner', 'boxed', 'adding', 'entering', 'leaving']) {
      const stream = new Stream(this.#table)
      this[name](stream)
      written[name] = [...this.#table.taken(), ...stream.lines].map((line) => `  ${line}\n`).join('')
    }
    return written
  }

  /** The outer linear layer, and then the next constants. */
  linear(stream) {
    const state = WORDS.map((i) => this.#load(stream, 'STATE', ELEMENT_BYTES * i, this.#boxedMax))
    const total = state.reduce((sum, word) => add(stream, sum, word))
    state.forEach((word, i) => {
      this.#storeReduced(stream, i, add(stream, add(stream, total, word), this.#constant(stream, i)))
    })
  }

  /** The S-box of the first word, the inner linear layer, and then the next constant. */
  inner(stream) {
    const [x, y, z] = WORDS.map((i) => this.#load(stream, 'STATE', ELEMENT_BYTES * i, this.#wordMax))
    const boxed = this.#box(stream, x)
    const others = add(stream, y, z)
    const total = add(stream, boxed, others)
    this.#storeReduced(stream, 0, add(stream, addDoubled(stream, boxed, others), this.#constant(stream, 0)))
    this.#storeReduced(stream, 1, add(stream, total, y))
    this.#storeReduced(stream, 2, addDoubled(stream, z, total))
  }

  boxed(stream) {
    const word = this.#load(stream, 'word', 0, this.#wordMax)
    this.#store(stream, 'word', 0, this.#box(stream, word), this.#boxedMax)
  }

  adding(stream) {
    for (const i of WORDS) {
      const word = this.#load(stream, 'STATE', ELEMENT_BYTES * i, this.#wordMax)
      this.#storeReduced(stream, i, add(stream, word, this.#constant(stream, i)))
    }
  }

  /** Adds what is in SCRATCH, digits that are not negative, to a word. */
  entering(stream) {
    const digits = Array.from({ length: DIGITS }, (_, i) =>
      stream.load(`v128.load(SCRATCH, ${VECTOR_BYTES * i})`, i < TOP ? GRAIN - 1n : 1n << 50n),
    )
    const value = normalised(stream, { digits, max: 1n << 254n })
    const toMontgomery = this.#literal(stream, this.#field.digitsOf(this.#field.factor ** 2n), this.#field.p / 2n)
    const word = this.#load(stream, 'word', 0, this.#wordMax)
    const sum = add(stream, word, multiply(stream, this.#field, value, toMontgomery))
    this.#store(stream, 'word', 0, reduced(stream, this.#field, sum), this.#wordMax)
  }

  /** Writes a word to SCRATCH, out of Montgomery form and less than p from zero. */
  leaving(stream) {
    const one = this.#literal(stream, [1n, 0n, 0n, 0n, 0n], 1n)
    const word = this.#load(stream, 'word', 0, this.#wordMax)
    this.#store(stream, 'SCRATCH', 0, multiply(stream, this.#field, word, one), this.#field.p - 1n)
  }

  #box(stream, x) {
    const square = multiply(stream, this.#field, x, x)
    return multiply(stream, this.#field, multiply(stream, this.#field, square, square), x)
  }

  #load(stream, address, offset, max) {
    const digits = Array.from({ length: DIGITS }, (_, i) =>
      stream.load(`v128.load(${address}, ${offset + VECTOR_BYTES * i})`, i < TOP ? DIGIT_MAX : topMax(max)),
    )
    return { digits, max }
  }

  #constant(stream, index) {
    const max = this.#field.p / 2n
    const digits = Array.from({ length: DIGITS }, (_, i) => {
      const place = `v128.load64_splat(constants, ${CONSTANT_BYTES * index + 8 * i})`
      return stream.load(place, i < TOP ? DIGIT_MAX : topMax(max))
    })
    return { digits, max }
  }

  #literal(stream, digits, max) {
    return { digits: digits.map((digit) => stream.constant(digit)), max }
  }

  #storeReduced(stream, index, element) {
    this.#store(stream, 'STATE', ELEMENT_BYTES * index, reduced(stream, this.#field, element), this.#wordMax)
  }

  #store(stream, address, offset, { digits, max }, bound) {
    if (max > bound) throw new Error(`a word of up to ${Number(max) / Number(this.#field.p)} p`)
    digits.forEach((digit, i) => {
      if (digit.max > (i < TOP ? DIGIT_MAX : topMax(bound))) throw new Error('a digit that is too large')
      stream.store(address, digit, offset + VECTOR_BYTES * i)
    })
  }
}

/** Of the top digit of a value up to `max`: the digits below it are worth less than twice the next one. */
function topMax(max) {
  return (max + (DIGIT_MAX << (TOP_BITS - DIGIT_BITS + 1n))) >> TOP_BITS
}
