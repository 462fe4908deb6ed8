// A prime field of 254 bits over five signed digits of 51 bits in doubles: writes Montgomery products, sums and reductions as
// lines of AssemblyScript. An element is `{ digits, max }`: its value is the sum of digits[i] * 2^(51 i), any representative of
// its class, and at most `max` in magnitude. Nothing here is ever fully reduced; that is for whoever writes bytes.
//
// Montgomery's factor is 2^255. A product has ten digits' worth of columns. The lowest three columns leave together: for
// digits m0, m1, m2 of weight 2^(51 j), the product over 2^153 is what stands above them plus the sum of mj * Aj, where
// Aj = 2^(51 j - 153) mod p. Three chains of additions instead of a chain of three, at the price of a value larger by 3/4 * 2^51 p;
// the last two columns leave one by one in Montgomery's way and divide that by 2^102. So a product of a and b is at most
// |a| |b| / 2^255 + p / 2 and a little, the little being below 2^-40 p.

import { DIGIT_BITS, GRAIN } from './exactdoubles.js'

export const DIGITS = 5
const TOGETHER = 3

const abs = (value) => (value < 0n ? -value : value)
const smaller = (a, b) => (a < b ? a : b)
const above = (value, divisor) => (value + divisor - 1n) / divisor

/** The field's constants in digits. @param p the order */
export function doubleField(p) {
  const centred = (value) => {
    const least = ((value % p) + p) % p
    return 2n * least > p ? least - p : least
  }
  const digitsOf = (value) => {
    const digits = []
    let rest = value
    for (let i = 0; i < DIGITS - 1; i++) {
      const low = BigInt.asIntN(Number(DIGIT_BITS), rest)
      digits.push(low)
      rest = (rest - low) >> DIGIT_BITS
    }
    return [...digits, rest]
  }
  const inverse = (value) => power(value, p - 2n, p)
  const folds = Array.from({ length: TOGETHER }, (_, j) =>
    digitsOf(centred(inverse(power(2n, BigInt(TOGETHER - j) * DIGIT_BITS, p)))),
  )
  const field = {
    p,
    factor: 1n << (DIGIT_BITS * BigInt(DIGITS)),
    digitsOf: (value) => digitsOf(centred(value)),
    pDigits: digitsOf(p),
    /** -1 / p modulo a grain. */
    negated: BigInt.asIntN(Number(DIGIT_BITS), -inverseOfOdd(p)),
    folds,
  }
  checkTies(field)
  return field
}

/** `a * b / 2^255`. @param b the same object as `a` for a square */
export function multiply(stream, field, a, b) {
  const columns = a === b ? squared(stream, a) : multiplied(stream, a, b)
  const { quotients, carry } = lowestDigits(stream, columns)
  const folds = field.folds.map((digits) => constants(stream, digits))
  for (let k = TOGETHER; k < TOGETHER + DIGITS; k++) {
    stream.restart(columns[k])
    quotients.forEach((quotient, j) => stream.gather(columns[k], quotient, folds[j][k - TOGETHER]))
  }
  const lows = cutLows(stream, columns, carry)
  const rest = lastColumns(stream, field, columns, lows)
  const digits = Array.from({ length: DIGITS }, (_, i) => {
    const carried = stream.carryOf(columns[DIGITS + i - 1])
    const low = i === DIGITS - 1 ? carried : stream.add(lows[DIGITS + i], carried)
    return i === 0 ? stream.add(low, rest) : low
  })
  return normalised(stream, { digits, max: productMax(field, a, b, quotients) })
}

/** The columns that leave together, as digits, and what they carry into the next one. */
function lowestDigits(stream, columns) {
  const quotients = [columns[0].low] // Of one product: it is a digit.
  let carry
  for (let k = 1; k < TOGETHER; k++) {
    const sum = stream.add(columns[k].low, stream.carryOf(columns[k - 1]))
    const { digit, above } = stream.split(carry === undefined ? sum : stream.addAbove(carry, sum))
    quotients.push(digit)
    carry = above
  }
  return { quotients, carry }
}

/** The low parts of the other columns, cut to digits and a little: room for what is still to be added to them. */
function cutLows(stream, columns, carry) {
  const lows = []
  let above = carry
  for (let k = TOGETHER; k < TOGETHER + DIGITS; k++) {
    const cut = stream.split(columns[k].low)
    lows[k] = stream.addAbove(above, cut.digit)
    above = cut.above
  }
  const last = TOGETHER + DIGITS
  lows[last] = stream.addAbove(above, columns[last].low)
  return lows
}

/**
 * Montgomery's way with the last columns, one by one. Returns what the last of them carries beside its high part.
 *
 * With the quotient, digit + quotient * p0 is a multiple of a grain: the one that quotient * p0 rounds to, for the digit is at
 * most half a grain; see {@link checkTies} for exactly half.
 */
function lastColumns(stream, field, columns, lows) {
  const p = constants(stream, field.pDigits)
  const negated = stream.constant(field.negated)
  let rest
  for (let k = TOGETHER; k < DIGITS; k++) {
    const sum = stream.add(lows[k], stream.carryOf(columns[k - 1]))
    const { digit, above } = stream.split(rest === undefined ? sum : stream.add(sum, rest))
    const quotient = stream.residue(digit, negated)
    const lowest = stream.column()
    stream.gatherHigh(lowest, quotient, p[0])
    rest = stream.carryOf(lowest)
    for (let i = 1; i < DIGITS; i++) lows[k + i] = stream.add(lows[k + i], stream.lost(columns[k + i], quotient, p[i]))
    lows[k + 1] = stream.addAbove(above, lows[k + 1])
  }
  return rest
}

/** Refuses a field where, for a digit of exactly half a grain, the rounded product is another multiple than the sum. */
function checkTies({ pDigits, negated }) {
  for (const digit of [GRAIN / 2n, -GRAIN / 2n]) {
    const product = digit * negated
    const quotient = product - roundedToGrain(product)
    if (digit + quotient * pDigits[0] !== roundedToGrain(quotient * pDigits[0])) throw new Error('a tie goes astray')
  }
}

/** As doubles round, ties to even; START is an even number of grains. */
function roundedToGrain(value) {
  const low = BigInt.asIntN(Number(DIGIT_BITS), value)
  const grains = (value - low) / GRAIN
  return GRAIN * (low === -GRAIN / 2n && grains % 2n !== 0n ? grains - 1n : grains)
}

function constants(stream, digits) {
  return digits.map((digit) => stream.constant(digit))
}

function multiplied(stream, a, b) {
  const columns = emptyColumns(stream)
  for (let k = 0; k < 2 * DIGITS - 1; k++)
    for (let i = Math.max(0, k - DIGITS + 1); i <= Math.min(k, DIGITS - 1); i++)
      stream.gather(columns[k], a.digits[i], b.digits[k - i])
  return columns
}

function squared(stream, a) {
  const columns = emptyColumns(stream)
  const doubled = a.digits.map((digit) => stream.add(digit, digit))
  for (let k = 0; k < 2 * DIGITS - 1; k++)
    for (let i = Math.max(0, k - DIGITS + 1); 2 * i <= k; i++)
      stream.gather(columns[k], a.digits[i], 2 * i === k ? a.digits[i] : doubled[k - i])
  return columns
}

function emptyColumns(stream) {
  return Array.from({ length: 2 * DIGITS - 1 }, () => stream.column())
}

/** What the value of a product is at most, step by step as {@link multiply} computes it. */
function productMax({ p, folds }, a, b, m) {
  const value = (digits) => abs(digits.reduceRight((sum, digit) => (sum << DIGIT_BITS) + digit, 0n))
  const low = m.reduce((sum, digit, j) => sum + (digit.max << (DIGIT_BITS * BigInt(j))), 0n)
  const kept = above(a.max * b.max + low, 1n << (DIGIT_BITS * BigInt(TOGETHER)))
  const folded = m.reduce((sum, digit, j) => sum + digit.max * value(folds[j]), kept)
  return [1, 2].reduce((sum) => above(sum + (GRAIN / 2n) * p, GRAIN), folded)
}

/** The same value in digits of half a grain, but for what the next lower one carries; the top one as small as the value. */
export function normalised(stream, { digits, max }) {
  const cuts = digits.slice(0, -1).map((digit) => stream.split(digit))
  const carried = digits.map((digit, i) => {
    const own = i < cuts.length ? cuts[i].digit : digit
    return i === 0 ? own : stream.addAbove(cuts[i - 1].above, own)
  })
  return bounded({ digits: carried, max })
}

/** Tells the top digit what the value's bound says about it. */
function bounded({ digits, max }) {
  const below = digits.slice(0, -1).reduce((sum, digit, i) => sum + (digit.max << (DIGIT_BITS * BigInt(i))), 0n)
  const top = digits[DIGITS - 1]
  const topMax = smaller(top.max, (max + below) >> (DIGIT_BITS * BigInt(DIGITS - 1)))
  return { digits: [...digits.slice(0, -1), { ...top, max: topMax }], max }
}

export function add(stream, a, b) {
  return { digits: a.digits.map((digit, i) => stream.add(digit, b.digits[i])), max: a.max + b.max }
}

/** `2 * a + b`. */
export function addDoubled(stream, a, b) {
  const two = stream.constant(2n)
  return { digits: a.digits.map((digit, i) => stream.addProduct(digit, two, b.digits[i])), max: 2n * a.max + b.max }
}

/** The same class with a value of at most p / 2 and a little, in digits of half a grain and a little. */
export function reduced(stream, { p, pDigits }, { digits, max }) {
  const top = digits[DIGITS - 1]
  // The digits below the top are worth less than 2^-40 p: the quotient is off by no more than that beyond the half.
  const below = digits.slice(0, -1).reduce((sum, digit, i) => sum + (digit.max << (DIGIT_BITS * BigInt(i))), 0n)
  const error = p >> 40n
  if (below > error / 2n) throw new Error('the digits below the top say too much')
  const scale = 2 ** (Number(DIGIT_BITS) * (DIGITS - 1))
  const quotient = stream.quotient(top, `${scale / Number(p)}`, (max + p / 2n + error) / p)
  const left = digits.map((digit, i) => stream.addProduct(quotient, stream.constant(-pDigits[i]), digit))
  return normalised(stream, { digits: left, max: p / 2n + error })
}

function power(base, exponent, modulus) {
  let result = 1n
  let square = base % modulus
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % modulus
    square = (square * square) % modulus
  }
  return result
}

/** Newton's way: each step doubles the number of right bits. */
function inverseOfOdd(value) {
  let inverse = value
  for (let bits = 3n; bits < DIGIT_BITS; bits *= 2n) inverse = BigInt.asUintN(51, inverse * (2n - value * inverse))
  return inverse
}
