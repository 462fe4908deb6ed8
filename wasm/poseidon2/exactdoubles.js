// Whole numbers in doubles, two lanes at a time: writes the lines that compute with them, and proves while writing that no
// value ever loses a bit. Every value carries the largest magnitude it can have; a line that might round throws here, at
// build time. It knows neither field nor hash.
//
// A product of two digits has up to 103 bits and is kept in two parts. The high part of a whole column of products is
// gathered in one double: it starts at START, so high that its neighbours are GRAIN apart, and each fused multiply-add rounds
// to a multiple of GRAIN. What that rounding lost is a whole number of at most half a grain, and a second fused
// multiply-add gives it exactly: a * b + (before - after). Both hold whatever the signs, as long as the sum stays at or
// above START_LOW: below it, neighbours are closer, and the high part would no longer be a multiple of GRAIN.

export const DIGIT_BITS = 51n
export const GRAIN = 1n << DIGIT_BITS

/** Whole numbers up to here are doubles, all of them. */
const EXACT = 1n << 53n
/** A little above the middle: where a column can just leave these bounds, let it be upwards, where it does less harm. */
const START = (3n << 102n) + (1n << 70n)
const START_LOW = 1n << 103n
const START_HIGH = 1n << 104n
/** Added and taken away again, it rounds to a multiple of GRAIN. It lies so that both signs stay in its binade. */
const ROUND = 3n << 102n
/** The same for multiples of one. */
const ROUND_TO_ONE = 3n << 51n

const abs = (value) => (value < 0n ? -value : value)

/** A whole number as the text of a double literal; exact, or refused. */
export function literal(value) {
  if (BigInt(Number(value)) !== value) throw new Error(`${value} is not a double`)
  return Number.isSafeInteger(Number(value)) ? `${value}.0` : Number(value).toExponential()
}

/** One run of lines without branches. */
export class Stream {
  lines = []
  #count = 0
  #constants

  /** @param constants an object with `named(text)`: the name of a vector that holds this double literal in both lanes */
  constructor(constants) {
    this.#constants = constants
  }

  #line(expression) {
    const name = `d${this.#count++}`
    this.lines.push(`const ${name} = ${expression}`)
    return name
  }

  #exact(max, expression) {
    if (max > EXACT) throw new Error(`up to ${Number(max) / 2 ** 50} * 2^50 in ${expression}`)
    return { name: this.#line(expression), max }
  }

  constant(value) {
    return { name: this.#constants.named(literal(value)), max: abs(value), value }
  }

  load(expression, max) {
    return { name: this.#line(expression), max }
  }

  store(address, value, offset) {
    this.lines.push(`v128.store(${address}, ${value.name}, ${offset})`)
  }

  add(a, b) {
    return this.#exact(a.max + b.max, `f64x2.add(${a.name}, ${b.name})`)
  }

  subtract(a, b) {
    return this.#exact(a.max + b.max, `f64x2.sub(${a.name}, ${b.name})`)
  }

  /** `a * b + c` where the product itself is a double's whole number. */
  addProduct(a, b, c) {
    return this.#exact(a.max * b.max + c.max, madd(a, b, c))
  }

  /** An empty column of products. */
  column() {
    return { highs: [this.#start()], low: undefined }
  }

  /** Begins another high part in the column, for products that would lead the present one too far. */
  restart(column) {
    column.highs.push(this.#start())
  }

  #start() {
    return { name: this.#constants.named(literal(START)), max: 0n }
  }

  /** Adds `a * b` to a column. */
  gather(column, a, b) {
    const low = this.lost(column, a, b)
    column.low = column.low === undefined ? low : this.add(column.low, low)
  }

  /** Adds the high part of `a * b` to a column's, and gives what it lost: at most half a grain. */
  lost(column, a, b) {
    if (!fits(column.highs.at(-1).max + a.max * b.max + GRAIN)) this.restart(column)
    const before = column.highs.at(-1)
    const after = this.gatherHigh(column, a, b)
    const difference = { name: this.#line(`f64x2.sub(${before.name}, ${after.name})`) }
    const grain = START + after.max > START_HIGH ? 2n * GRAIN : GRAIN
    return { name: this.#line(madd(a, b, difference)), max: grain / 2n }
  }

  /** Only the high part of `a * b`, where the caller knows the rest. */
  gatherHigh(column, a, b) {
    const before = column.highs.pop()
    const max = before.max + a.max * b.max + GRAIN
    if (!fits(max)) throw new Error(`a column of up to ${Number(max) / 2 ** 100} * 2^100`)
    const after = { name: this.#line(madd(a, b, before)), max }
    column.highs.push(after)
    return after
  }

  /** The high parts of a finished column, in units of the next one. */
  carryOf({ highs }) {
    const scale = { name: this.#constants.named('2 ** -51') }
    const [first, second, ...others] = highs.toSorted((a, b) => (a.max < b.max ? -1 : 1))
    const together = second === undefined ? [first] : [first, second]
    let left = (BigInt(together.length) * START) / GRAIN
    let sum = { name: this.#constants.named(literal(-left)), max: 0n }
    for (const high of together) {
      left -= START / GRAIN
      sum = this.#addHigh(sum, high, scale, left)
    }
    // No double holds three times START in units of the next column exactly: what is above two leaves its START beforehand.
    for (const high of others) {
      const above = { name: this.#line(`f64x2.sub(${high.name}, ${this.#start().name})`), max: high.max }
      sum = this.#addHigh(sum, above, scale, 0n)
    }
    return sum
  }

  #addHigh(sum, high, scale, left) {
    const max = sum.max + high.max / GRAIN
    if (left + max > EXACT) throw new Error('the high parts lie too far apart')
    return { name: this.#line(madd(high, scale, sum)), max }
  }

  /** Cuts into a digit of at most half a grain and the multiple of a grain that was above it. */
  split(value) {
    const round = this.#constants.named(literal(ROUND))
    const rounded = this.#line(`f64x2.add(${value.name}, ${round})`)
    const above = { name: this.#line(`f64x2.sub(${rounded}, ${round})`), max: (value.max + GRAIN / 2n) / GRAIN }
    return { digit: this.#exact(GRAIN / 2n, `f64x2.sub(${value.name}, ${above.name})`), above }
  }

  /** Adds what {@link split} cut off to the value one column higher. */
  addAbove(above, value) {
    const scale = this.#constants.named('2 ** -51')
    return this.#exact(above.max + value.max, madd(above, { name: scale }, value))
  }

  /** `a * b` modulo a grain, as the residue of least magnitude. */
  residue(a, b) {
    return this.lost(this.column(), a, b)
  }

  /** `value` over `divisor`, rounded to a whole number. Off by less than half and the estimate's own error. */
  quotient(value, inverse, max) {
    const round = this.#constants.named(literal(ROUND_TO_ONE))
    const scale = this.#constants.named(inverse)
    const rounded = this.#line(`f64x2.relaxed_madd(${value.name}, ${scale}, ${round})`)
    return this.#exact(max, `f64x2.sub(${rounded}, ${round})`)
  }
}

/** Whether a high part that differs from START by up to `max` stays where its neighbours are a grain or two apart. */
function fits(max) {
  return START - max >= START_LOW && START + max <= 2n * START_HIGH
}

function madd(a, b, c) {
  return `f64x2.relaxed_madd(${a.name}, ${b.name}, ${c.name})`
}
