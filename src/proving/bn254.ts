// The curve BN254 in numbers: its two primes, sizes in files, plain arithmetic modulo a prime. It computes with no points.

/** Order of the groups, so of the field that circuits compute in: 2^253 < it < 2^254. */
export const SCALAR_ORDER = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n
/** Order of the field that coordinates of points are in. */
export const BASE_ORDER = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47n

/** Of an element of either field, little-endian. */
export const ELEMENT_BYTES = 32
/** Of a point in a file: its affine coordinates; all zero for the point at infinity. */
export const G1_BYTES = 2 * ELEMENT_BYTES
export const G2_BYTES = 4 * ELEMENT_BYTES

/** Files hold coordinates multiplied by this, the Montgomery factor. */
export const MONTGOMERY_FACTOR = 2n ** 256n

/** Largest domain that is a power of two: 2^28 divides the scalar order less one, and 2^29 does not. */
export const MAX_DOMAIN_POWER = 28
/** Of order 2^{@link MAX_DOMAIN_POWER} in the scalar field: 5 is its least non-residue. */
export const ROOT_OF_UNITY = power(5n, (SCALAR_ORDER - 1n) >> BigInt(MAX_DOMAIN_POWER), SCALAR_ORDER)

/** `base`^`exponent` modulo `order`, for a `base` from 0 and an `exponent` of at least 0. */
export function power(base: bigint, exponent: bigint, order: bigint): bigint {
  let result = 1n
  let square = base % order
  for (let left = exponent; left > 0n; left >>= 1n) {
    if ((left & 1n) === 1n) result = (result * square) % order
    square = (square * square) % order
  }
  return result
}

/** The inverse of an element that is not zero; of zero it is zero. */
export function inverse(element: bigint, order: bigint): bigint {
  return power(element, order - 2n, order)
}

/** Reads 32 little-endian bytes, whatever number they are. */
export function readNumber(view: DataView, at: number): bigint {
  return (
    view.getBigUint64(at, true) |
    (view.getBigUint64(at + 8, true) << 64n) |
    (view.getBigUint64(at + 16, true) << 128n) |
    (view.getBigUint64(at + 24, true) << 192n)
  )
}

/** Writes a number below 2^256 as 32 little-endian bytes. */
export function writeNumber(view: DataView, at: number, value: bigint): void {
  for (let word = 0; word < 4; word++)
    view.setBigUint64(at + 8 * word, BigInt.asUintN(64, value >> BigInt(64 * word)), true)
}

/** A view over exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
