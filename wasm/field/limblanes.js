// One field element at a time, in limbs of 29 bits: the operations of the scalar kernel, as lines of AssemblyScript. The same
// calls as in doublelanes.js, where they are explained; addresses come in lists of one.
//
// In memory an element is nine limbs of 4 bytes, and 4 bytes that nobody reads.

import {
  LIMB,
  LIMBS,
  LIMB_BITS,
  LimbStream,
  carried,
  combine,
  limbField,
  multiply,
  reduced,
} from '../poseidon2/limbfield.js'

export const LANES = 1
const TOP = LIMBS - 1

export const elementOf = limbField

export class LimbLanes {
  #field
  #stream = new LimbStream()
  #bounds

  constructor(field) {
    this.#field = field
    const { p } = field
    this.#bounds = { least: p + (p >> 10n), product: 2n * p, any: 2n * p }
  }

  get lines() {
    return this.#stream.lines
  }

  line(text) {
    this.#stream.lines.push(text)
  }

  load(address, offset = 0, bound = 'any') {
    const most = this.#bounds[bound]
    const limbs = Array.from({ length: LIMBS }, (_, i) => {
      const max = i < TOP ? LIMB : most >> (LIMB_BITS * BigInt(TOP))
      return this.#stream.line(max, `<u64>load<u32>(${address}, ${offset + 4 * i})`)
    })
    return { limbs, max: most }
  }

  gather([address], offset = 0, bound = 'any') {
    return this.load(address, offset, bound)
  }

  gatherApart([address]) {
    return this.load(address)
  }

  scatterApart([address], value) {
    this.store(address, value)
  }

  splat(address) {
    return this.load(address, 0, 'least')
  }

  /** As `unpack` in limbwords.js leaves it. */
  loadWhole(address) {
    const { limbs } = this.load(address)
    return { limbs, max: (1n << 254n) - 1n }
  }

  store(address, value, offset = 0, bound = 'any') {
    if (value.max > this.#bounds[bound])
      throw new Error(`up to ${Number(value.max) / Number(this.#field.p)} p to be stored`)
    value.limbs.forEach(({ name, max }, i) => {
      if (i < TOP && max > LIMB) throw new Error('a limb that is not carried')
      this.line(`store<u32>(${address}, <u32>${name}, ${offset + 4 * i})`)
    })
  }

  scatter([address], value, offset = 0) {
    this.store(address, value, offset)
  }

  multiply(a, b) {
    const left = this.#tidy(a)
    return multiply(this.#stream, this.#field, left, a === b ? left : this.#tidy(b))
  }

  /** Stores an operand for {@link called}, which multiplies it with the one in the next slot. */
  place(slot, value) {
    this.store(`OPERANDS + ${40 * slot}`, this.fit(value, 'product'), 0, 'product')
  }

  /** The product of what is in two slots, by a call. */
  called(slot) {
    const at = `OPERANDS + ${40 * slot}`
    this.line(`timesQ(${at}, ${at}, ${at} + 40)`)
    return this.load(at)
  }

  add(a, b) {
    return combine(this.#stream, [1n, a], [1n, b])
  }

  subtract(a, b) {
    return this.add(a, this.#negated(b))
  }

  negatedWhere([name], value) {
    const { limbs, max } = this.#negated(value)
    const chosen = limbs.map((limb, i) => {
      const own = value.limbs[i]
      const most = limb.max > own.max ? limb.max : own.max
      return this.#stream.line(most, `select<u64>(${limb.name}, ${own.name}, ${name}Tagged & 1)`)
    })
    return { limbs: chosen, max: max > value.max ? max : value.max }
  }

  /** A multiple of p, minus the element: of limbs that are large enough for no difference to go below zero. */
  #negated({ limbs, max }) {
    const borrowed = limbs.reduce((most, limb, i) => (i < TOP && limb.max > most ? limb.max : most), 0n) / LIMB + 1n
    const { p } = this.#field
    let multiple = max / p
    let from
    do {
      multiple += 1n
      from = Array.from({ length: LIMBS }, (_, i) => {
        const limb = i < TOP ? ((multiple * p) >> (LIMB_BITS * BigInt(i))) & LIMB : (multiple * p) >> (LIMB_BITS * 8n)
        return limb + (i < TOP ? borrowed << LIMB_BITS : 0n) - (i > 0 ? borrowed : 0n)
      })
    } while (from[TOP] < limbs[TOP].max)
    const left = limbs.map((limb, i) => {
      if (from[i] < limb.max) throw new Error('a difference below zero')
      return this.#stream.line(from[i], `${from[i]} - ${limb.name}`)
    })
    return { limbs: left, max: multiple * p }
  }

  #tidy(value) {
    return value.limbs.some(({ max }, i) => i < TOP && max > LIMB) ? carried(this.#stream, value) : value
  }

  fit(value, bound = 'any') {
    return value.max > this.#bounds[bound] ? reduced(this.#stream, this.#field, value) : this.#tidy(value)
  }

  /** At most p and a little: zero is 0 or p. */
  least(value) {
    return reduced(this.#stream, this.#field, value)
  }

  maybeZero({ limbs: [{ name }] }) {
    return `(${name} == 0 || ${name} == ${this.#field.pLimbs[0]})`
  }
}
