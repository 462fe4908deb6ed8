// Two field elements at a time, in digits of 51 bits in doubles: the operations of the relaxed SIMD kernel, as lines of AssemblyScript.
// It stands on the Poseidon2 kernel's arithmetic and knows neither curves nor transforms. Its twin for one lane is limblanes.js.
//
// In memory an element is five digits of 8 bytes. A vector is one element per lane: digit i of all lanes, then digit i + 1.
// What is stored is within one of the bounds that the constructor names; whoever loads it relies on that, whoever stores it is held to it.

import { DIGITS, add, doubleField, multiply, normalised, reduced } from '../poseidon2/doublefield.js'
import { DIGIT_BITS, GRAIN, Stream } from '../poseidon2/exactdoubles.js'

export const LANES = 2
const TOP = DIGITS - 1
const TOP_BITS = DIGIT_BITS * BigInt(TOP)
/** Of all digits but the top one: half a grain and what is carried into it. */
const DIGIT_MAX = GRAIN / 2n + 16n

export const elementOf = doubleField

export class DoubleLanes {
  #field
  #stream
  #bounds
  #masks = new Set()

  /** @param table takes the constants that the lines name, see {@link Stream} */
  constructor(field, table) {
    this.#field = field
    this.#stream = new Stream(table)
    const { p } = field
    // A product of `product` and `least` is a `product`; one of two `product`s, or of `any` and `least`, is `any`.
    this.#bounds = { least: p / 2n + (p >> 40n), product: (63n * p) / 100n, any: (66n * p) / 100n }
  }

  get lines() {
    return this.#stream.lines
  }

  line(text) {
    this.#stream.lines.push(text)
  }

  /** The vector at an address. */
  load(address, offset = 0, bound = 'any') {
    return this.#loaded((i) => `v128.load(${address}, ${offset + 16 * i})`, bound)
  }

  /** One element from each of two addresses. */
  gather([first, second], offset = 0, bound = 'any') {
    const placeOf = (at) => `v128.load64_lane(${second}, v128.load64_zero(${first}, ${at}), 1, ${at})`
    return this.#loaded((i) => placeOf(offset + 8 * i), bound)
  }

  /** The same from lanes of vectors, whose addresses are those of their first digits. */
  gatherApart([first, second]) {
    return this.#loaded(
      (i) => `v128.load64_lane(${second}, v128.load64_zero(${first}, ${16 * i}), 1, ${16 * i})`,
      'any',
    )
  }

  /** The element at an address, in both lanes. */
  splat(address) {
    return this.#loaded((i) => `v128.load64_splat(${address}, ${8 * i})`, 'least')
  }

  /** A vector of whole digits that are not negative, as `unpack` in doublewords.js leaves them. */
  loadWhole(address) {
    const digits = Array.from({ length: DIGITS }, (_, i) =>
      this.#stream.load(`v128.load(${address}, ${16 * i})`, i < TOP ? GRAIN - 1n : 1n << 50n),
    )
    return normalised(this.#stream, { digits, max: 1n << 254n })
  }

  #loaded(placeOf, bound) {
    const max = this.#bounds[bound]
    const digits = Array.from({ length: DIGITS }, (_, i) =>
      this.#stream.load(placeOf(i), i < TOP ? DIGIT_MAX : topMax(max)),
    )
    return { digits, max }
  }

  store(address, value, offset = 0, bound = 'any') {
    this.#checked(value, bound).digits.forEach((digit, i) => this.#stream.store(address, digit, offset + 16 * i))
  }

  scatter([first, second], value, offset = 0) {
    this.#checked(value).digits.forEach(({ name }, i) => {
      this.line(`v128.store64_lane(${first}, ${name}, 0, ${offset + 8 * i})`)
      this.line(`v128.store64_lane(${second}, ${name}, 1, ${offset + 8 * i})`)
    })
  }

  /** To where {@link gatherApart} takes from. */
  scatterApart([first, second], value) {
    this.#checked(value).digits.forEach(({ name }, i) => {
      this.line(`v128.store64_lane(${first}, ${name}, 0, ${16 * i})`)
      this.line(`v128.store64_lane(${second}, ${name}, 1, ${16 * i})`)
    })
  }

  #checked(value, bound = 'any') {
    const most = this.#bounds[bound]
    if (value.max > most) throw new Error(`up to ${Number(value.max) / Number(this.#field.p)} p to be stored`)
    value.digits.forEach((digit, i) => {
      if (digit.max > (i < TOP ? DIGIT_MAX : topMax(most))) throw new Error('a digit that is too large')
    })
    return value
  }

  multiply(a, b) {
    const left = this.#tidy(a)
    return multiply(this.#stream, this.#field, left, a === b ? left : this.#tidy(b))
  }

  /** Stores an operand for {@link called}, which multiplies it with the one in the next slot. */
  place(slot, value) {
    this.store(`OPERANDS + ${80 * slot}`, this.fit(value, 'product'), 0, 'product')
  }

  /** The product of what is in two slots, by a call. */
  called(slot) {
    const at = `OPERANDS + ${80 * slot}`
    this.line(`timesQ(${at}, ${at}, ${at} + 80)`)
    return this.load(at)
  }

  add(a, b) {
    return add(this.#stream, a, b)
  }

  subtract(a, b) {
    const digits = a.digits.map((digit, i) => this.#stream.subtract(digit, b.digits[i]))
    return { digits, max: a.max + b.max }
  }

  /** Minus the element in those lanes whose address is odd. @param names of addresses, one per lane */
  negatedWhere([first, second], value) {
    const mask = `${first}Sign`
    const signOf = (name) => `(<i64>${name}Tagged) << 63`
    if (!this.#masks.has(mask))
      this.line(`const ${mask} = i64x2.replace_lane(i64x2.splat(${signOf(first)}), 1, ${signOf(second)})`)
    this.#masks.add(mask)
    const digits = value.digits.map(({ name, max }) => this.#stream.load(`v128.xor(${name}, ${mask})`, max))
    return { digits, max: value.max }
  }

  /** Lane 0 plus and minus lane 1. */
  crossed(value) {
    const digits = value.digits.map(({ name, max }) => {
      const swapped = `v128.shuffle<f64>(${name}, ${name}, 1, 0)`
      const flipped = `v128.xor(${name}, i64x2(0, i64.MIN_VALUE))`
      return this.#stream.load(`f64x2.add(${swapped}, ${flipped})`, 2n * max)
    })
    return { digits, max: 2n * value.max }
  }

  /** Digits that fit a product. */
  #tidy(value) {
    return value.digits.some(({ max }, i) => i < TOP && max > DIGIT_MAX) ? normalised(this.#stream, value) : value
  }

  /** The same class, as it may be stored. */
  fit(value, bound = 'any') {
    if (value.max > this.#bounds[bound]) return reduced(this.#stream, this.#field, this.#tidy(value))
    return this.#tidy(value)
  }

  /** The residue of least magnitude: zero has no digit but zeros. */
  least(value) {
    return reduced(this.#stream, this.#field, value)
  }

  /** An expression that is true at least where a lane of {@link least} is zero, and hardly ever else. */
  maybeZero({ digits: [{ name }] }) {
    return `v128.any_true(f64x2.eq(${name}, f64x2.splat(0)))`
  }
}

/** Of the top digit of a value up to `max`: the digits below it are worth less than twice the next one. */
function topMax(max) {
  return (max + (DIGIT_MAX << (TOP_BITS - DIGIT_BITS + 1n))) >> TOP_BITS
}
