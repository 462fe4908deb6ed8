// Logarithms, powers and skew factors of Leopard's two fields, computed when first asked for. It multiplies no blocks.

/** Data reference §5.3. An element's number is its coordinates in the Cantor basis; sums are XORs of numbers. */
export interface LeopardTables {
  readonly bits: 8 | 16
  /** What logarithms count by, one less than the order. 0 and the modulus are the same, where not said otherwise. */
  readonly modulus: number
  /** By element; the logarithm of 0 is the modulus. */
  readonly log: Uint16Array
  /** By logarithm, the modulus included. */
  readonly exp: Uint16Array
  /** Logarithms of the butterflies' factors, one less than the order; the modulus stands for the factor 0. */
  readonly skew: Uint16Array
}

interface Field {
  readonly bits: 8 | 16
  readonly polynomial: number
  readonly basis: readonly number[]
}

const GF8: Field = { bits: 8, polynomial: 0x11d, basis: [1, 214, 152, 146, 86, 200, 88, 230] }
const GF16: Field = {
  bits: 16,
  polynomial: 0x1002d,
  basis: [
    ...[0x0001, 0xacca, 0x3c0e, 0x163e, 0xc582, 0xed2e, 0x914c, 0x4012],
    ...[0x6c98, 0x10d8, 0x6a72, 0xb900, 0xfdb8, 0xfb34, 0xff38, 0x991e],
  ],
}

let tables8: LeopardTables | undefined
let tables16: LeopardTables | undefined

/** The tables of the field of 2^`bits` elements: 640 bytes, or 384 KiB and some milliseconds the first time. */
export function leopardTables(bits: 8 | 16): LeopardTables {
  if (bits === 8) return (tables8 ??= compute(GF8))
  return (tables16 ??= compute(GF16))
}

function compute({ bits, polynomial, basis }: Field): LeopardTables {
  const order = 2 ** bits
  const modulus = order - 1
  const generated = new Uint16Array(order)
  for (let i = 0, power = 1; i < modulus; i++) {
    generated[power] = i
    power <<= 1
    if (power >= order) power ^= polynomial
  }
  generated[0] = modulus
  const cantor = new Uint16Array(order)
  basis.forEach((element, bit) => {
    const width = 2 ** bit
    for (let j = 0; j < width; j++) cantor[width + j] = at(cantor, j) ^ element
  })
  const log = cantor.map((element) => at(generated, element))
  const exp = new Uint16Array(order)
  log.forEach((logarithm, element) => (exp[logarithm] = element))
  exp[modulus] = at(exp, 0)
  return { bits, modulus, log, exp, skew: skewOf(bits, log, exp) }
}

function skewOf(bits: number, log: Uint16Array, exp: Uint16Array): Uint16Array {
  const modulus = 2 ** bits - 1
  const product = (value: number, logarithm: number): number =>
    value === 0 ? 0 : at(exp, (at(log, value) + logarithm) % modulus)
  const shifts = new Uint16Array(bits - 1).map((_, i) => 2 ** (i + 1))
  const skew = new Uint16Array(modulus)
  for (let m = 0; m < bits - 1; m++) {
    const step = 2 ** (m + 1)
    skew[2 ** m - 1] = 0
    for (let i = m; i < bits - 1; i++) {
      const above = 2 ** (i + 1)
      for (let j = 2 ** m - 1; j < above; j += step) skew[j + above] = at(skew, j) ^ at(shifts, i)
    }
    const shift = at(shifts, m)
    shifts[m] = modulus - at(log, product(shift, at(log, shift ^ 1)))
    for (let i = m + 1; i < bits - 1; i++) {
      const value = at(shifts, i)
      shifts[i] = product(value, (at(log, value ^ 1) + at(shifts, m)) % modulus)
    }
  }
  return skew.map((element) => at(log, element))
}

/** Typed arrays say `undefined` beyond their ends only; every index here is inside. */
function at(array: Uint16Array, index: number): number {
  return array[index] as number
}
