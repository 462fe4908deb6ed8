// BN254 in plain TypeScript: the slow twin that the field kernel is held to. Written from the definitions, not from the kernel, and
// never used where speed matters. It takes numbers and points that are known to be good.

export const ORDER_R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n
export const ORDER_Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47n

/** a + b u in the field of coordinates extended by u, u^2 = -1; b is absent in the field itself. */
export type Coordinate = readonly [bigint] | readonly [bigint, bigint]
/** Undefined: infinity. */
export type TwinPoint = { readonly x: Coordinate; readonly y: Coordinate } | undefined

export const GENERATOR_1: TwinPoint = { x: [1n], y: [2n] }
export const GENERATOR_2: TwinPoint = {
  x: [
    10857046999023057135944570762232829481370756359578518086990519993285655852781n,
    11559732032986387107991004021392285783925812861821192530917403151452391805634n,
  ],
  y: [
    8495653923123431417604973247489272438418190587263600148770280649306958101930n,
    4082367875863433681332203403145435568316851327593401208105741076214120093531n,
  ],
}

export function modulo(value: bigint, order: bigint): bigint {
  const rest = value % order
  return rest < 0n ? rest + order : rest
}

export function power(base: bigint, exponent: bigint, order: bigint): bigint {
  let result = 1n
  let square = modulo(base, order)
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % order
    square = (square * square) % order
  }
  return result
}

/** Of zero: zero. */
export function inverse(value: bigint, order: bigint): bigint {
  let [a, b] = [modulo(value, order), order]
  let [s, t] = [1n, 0n]
  while (a > 1n) {
    const quotient = b / a
    ;[a, b] = [b - quotient * a, a]
    ;[s, t] = [t - quotient * s, s]
  }
  return a === 0n ? 0n : modulo(s, order)
}

const q = (value: bigint): bigint => modulo(value, ORDER_Q)

function plus(a: Coordinate, b: Coordinate): Coordinate {
  const first = q(a[0] + b[0])
  return a[1] === undefined || b[1] === undefined ? [first] : [first, q(a[1] + b[1])]
}

function negative(a: Coordinate): Coordinate {
  return a[1] === undefined ? [q(-a[0])] : [q(-a[0]), q(-a[1])]
}

function times(a: Coordinate, b: Coordinate): Coordinate {
  if (a[1] === undefined || b[1] === undefined) return [q(a[0] * b[0])]
  return [q(a[0] * b[0] - a[1] * b[1]), q(a[0] * b[1] + a[1] * b[0])]
}

function reciprocal(a: Coordinate): Coordinate {
  if (a[1] === undefined) return [inverse(a[0], ORDER_Q)]
  const norm = inverse(a[0] * a[0] + a[1] * a[1], ORDER_Q)
  return [q(a[0] * norm), q(-a[1] * norm)]
}

function isEqual(a: Coordinate, b: Coordinate): boolean {
  return a[0] === b[0] && a[1] === b[1]
}

export function negate(point: TwinPoint): TwinPoint {
  return point && { x: point.x, y: negative(point.y) }
}

/** The chord and tangent rule; no two points of these curves have an ordinate of zero. */
export function addPoints(a: TwinPoint, b: TwinPoint): TwinPoint {
  if (a === undefined) return b
  if (b === undefined) return a
  let slope: Coordinate
  if (isEqual(a.x, b.x)) {
    if (!isEqual(a.y, b.y)) return undefined
    const square = times(a.x, a.x)
    slope = times(plus(plus(square, square), square), reciprocal(plus(a.y, a.y)))
  } else slope = times(plus(b.y, negative(a.y)), reciprocal(plus(b.x, negative(a.x))))
  const x = plus(times(slope, slope), negative(plus(a.x, b.x)))
  return { x, y: plus(times(slope, plus(a.x, negative(x))), negative(a.y)) }
}

export function multiple(point: TwinPoint, scalar: bigint): TwinPoint {
  let result: TwinPoint
  let doubled = point
  for (let rest = scalar; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = addPoints(result, doubled)
    doubled = addPoints(doubled, doubled)
  }
  return result
}

export function sumOfProducts(points: readonly TwinPoint[], scalars: readonly bigint[], offset = 0): TwinPoint {
  return points.reduce<TwinPoint>(
    (sum, point, i) => addPoints(sum, multiple(point, scalars[offset + i] ?? 0n)),
    undefined,
  )
}

/** The primitive root of unity of order 2^log that snarkjs takes: 5 to the odd part of r - 1, squared as often as needed. */
export function rootOfUnity(log: number): bigint {
  return power(5n, (ORDER_R - 1n) >> BigInt(log), ORDER_R)
}

/** The values at the powers of the root of unity, or with `isInverse` back from them. By the definition, halving. */
export function transform(values: readonly bigint[], isInverse = false): bigint[] {
  const root = rootOfUnity(Math.log2(values.length))
  const scale = inverse(BigInt(values.length), ORDER_R)
  const found = evaluate(values, isInverse ? inverse(root, ORDER_R) : root)
  return isInverse ? found.map((value) => (value * scale) % ORDER_R) : found
}

function evaluate(coefficients: readonly bigint[], root: bigint): bigint[] {
  if (coefficients.length === 1) return [...coefficients]
  const half = (odd: number): bigint[] =>
    evaluate(
      coefficients.filter((_, i) => i % 2 === odd),
      (root * root) % ORDER_R,
    )
  const [even, odd] = [half(0), half(1)]
  let factor = 1n
  const terms = odd.map((value) => {
    const term = (value * factor) % ORDER_R
    factor = (factor * root) % ORDER_R
    return term
  })
  const sums = (sign: bigint): bigint[] => even.map((value, i) => modulo(value + sign * (terms[i] ?? 0n), ORDER_R))
  return [...sums(1n), ...sums(-1n)]
}

/** One entry of a key's section 4, its value plain. */
export interface TwinCoefficient {
  readonly matrix: 0 | 1
  readonly row: number
  readonly signal: number
  readonly value: bigint
}

/** A·w and B·w, row by row. */
export function evaluateRows(
  coefficients: readonly TwinCoefficient[],
  witness: readonly bigint[],
  domain: number,
): readonly [bigint[], bigint[]] {
  const rows: [bigint[], bigint[]] = [Array<bigint>(domain).fill(0n), Array<bigint>(domain).fill(0n)]
  for (const { matrix, row, signal, value } of coefficients)
    rows[matrix][row] = ((rows[matrix][row] ?? 0n) + value * (witness[signal] ?? 0n)) % ORDER_R
  return rows
}

/** A B - C at the odd powers of the root of twice the order, where C agrees with A B at the even ones: the scalars of section 9. */
export function quotient(
  coefficients: readonly TwinCoefficient[],
  witness: readonly bigint[],
  domain: number,
): bigint[] {
  const [a, b] = evaluateRows(coefficients, witness, domain)
  const c = a.map((value, i) => (value * (b[i] ?? 0n)) % ORDER_R)
  const odd = rootOfUnity(Math.log2(domain) + 1)
  const [oddA = [], oddB = [], oddC = []] = [a, b, c].map((values) => {
    let shift = 1n
    const shifted = transform(values, true).map((coefficient) => {
      const found = (coefficient * shift) % ORDER_R
      shift = (shift * odd) % ORDER_R
      return found
    })
    return transform(shifted)
  })
  return oddA.map((value, i) => modulo(value * (oddB[i] ?? 0n) - (oddC[i] ?? 0n), ORDER_R))
}
