// The lines inside the rounds of the scalar kernel, over limbs of 29 bits. Between two bodies a word of the state is within one of
// the bounds below; whoever loads it relies on that, whoever stores it is held to it.

import { LIMB, LIMB_BITS, LIMBS, LimbStream, carried, combine, multiply, reduced } from './limbfield.js'

export const ELEMENT_BYTES = 8 * LIMBS
/** Inner rounds between two reductions of y and z, which grow by a factor of about 4.3 each; a divisor of 56. */
export const ROUNDS_TOGETHER = 2

const TOP = LIMBS - 1
const WORDS = [0, 1, 2]

export class LimbRounds {
  #field
  /** What a word is at most as {@link reduced} leaves it, before an S-box, and after it. */
  #wordMax
  #boxMax
  #boxedMax

  constructor(field) {
    this.#field = field
    this.#wordMax = field.p + (field.p >> 10n)
    this.#boxMax = 16n * field.p
    this.#boxedMax = 2n * field.p
  }

  /** The body of each function by its name. */
  lines() {
    const written = {}
    for (const name of ['linear', 'inner', 'boxed', 'adding', 'entering', 'leaving']) {
      const stream = new LimbStream()
      this[name](stream)
      written[name] = stream.lines.map((line) => `  ${line}\n`).join('')
    }
    return written
  }

  /** The outer linear layer, and then the next constants. */
  linear(stream) {
    const state = WORDS.map((i) => this.#load(stream, 'STATE', ELEMENT_BYTES * i, this.#boxedMax))
    const total = combine(stream, ...state.map((word) => [1n, word]))
    state.forEach((word, i) => {
      const next = combine(stream, [1n, total], [1n, word], [1n, this.#constant(stream, i)])
      this.#store(stream, 'STATE', ELEMENT_BYTES * i, reduced(stream, this.#field, next), this.#wordMax)
    })
  }

  /** Several times: the S-box of the first word, the inner linear layer, the next constant. */
  inner(stream) {
    // After the last of these rounds a constant is added without another carry.
    let x = this.#load(stream, 'STATE', 0, this.#boxMax)
    let y = this.#load(stream, 'STATE', ELEMENT_BYTES, this.#wordMax)
    let z = this.#load(stream, 'STATE', 2 * ELEMENT_BYTES, this.#wordMax)
    for (let round = 0; round < ROUNDS_TOGETHER; round++) {
      const boxed = this.#box(stream, x)
      x = carried(stream, combine(stream, [2n, boxed], [1n, y], [1n, z], [1n, this.#constant(stream, round)]))
      const total = combine(stream, [1n, boxed], [1n, y], [1n, z])
      y = combine(stream, [1n, total], [1n, y])
      z = combine(stream, [1n, total], [2n, z])
    }
    this.#store(stream, 'STATE', 0, x, this.#boxMax - this.#field.p)
    this.#store(stream, 'STATE', ELEMENT_BYTES, reduced(stream, this.#field, y), this.#wordMax)
    this.#store(stream, 'STATE', 2 * ELEMENT_BYTES, reduced(stream, this.#field, z), this.#wordMax)
  }

  boxed(stream) {
    const word = this.#load(stream, 'word', 0, this.#boxMax)
    this.#store(stream, 'word', 0, this.#box(stream, word), this.#boxedMax)
  }

  /** After the inner rounds. */
  adding(stream) {
    for (const i of WORDS) {
      const max = i === 0 ? this.#boxMax - this.#field.p : this.#wordMax
      const word = this.#load(stream, 'STATE', ELEMENT_BYTES * i, max)
      const sum = combine(stream, [1n, word], [1n, this.#constant(stream, i)])
      this.#store(stream, 'STATE', ELEMENT_BYTES * i, carried(stream, sum), this.#boxMax)
    }
  }

  /** Adds what is in SCRATCH to a word. */
  entering(stream) {
    const value = this.#load(stream, 'SCRATCH', 0, (1n << 254n) - 1n)
    const toMontgomery = this.#load(stream, 'TO_MONTGOMERY', 0, this.#field.p)
    const word = this.#load(stream, 'word', 0, this.#wordMax)
    const sum = combine(stream, [1n, word], [1n, multiply(stream, this.#field, value, toMontgomery)])
    this.#store(stream, 'word', 0, reduced(stream, this.#field, sum), this.#wordMax)
  }

  /** Writes a word to SCRATCH, out of Montgomery form: at most p, because (16 p + (2^261 - 1) p) / 2^261 is below p + 1. */
  leaving(stream) {
    const one = { limbs: ['1', ...'0'.repeat(TOP)].map((name) => ({ name, max: BigInt(name) })), max: 1n }
    const word = this.#load(stream, 'word', 0, this.#boxMax)
    this.#store(stream, 'SCRATCH', 0, multiply(stream, this.#field, word, one), this.#field.p + 1n)
  }

  #box(stream, x) {
    const square = multiply(stream, this.#field, x, x)
    return multiply(stream, this.#field, multiply(stream, this.#field, square, square), x)
  }

  #load(stream, address, offset, max) {
    const limbs = Array.from({ length: LIMBS }, (_, i) => {
      const limbMax = i < TOP ? LIMB : max >> (LIMB_BITS * BigInt(TOP))
      return stream.line(limbMax, `load<u64>(${address}, ${offset + 8 * i})`)
    })
    return { limbs, max }
  }

  #constant(stream, index) {
    return this.#load(stream, 'constants', ELEMENT_BYTES * index, this.#field.p)
  }

  #store(stream, address, offset, { limbs, max }, bound) {
    if (max > bound) throw new Error(`a word of up to ${Number(max) / Number(this.#field.p)} p`)
    limbs.forEach((limb, i) => {
      if (i < TOP && limb.max > LIMB) throw new Error('a limb that is not carried')
      stream.store(address, limb, offset + 8 * i)
    })
  }
}
