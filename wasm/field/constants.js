// BN254 as the kernel's texts need it: both fields' orders and what numbers are multiplied by on their way in and out.

/** Of the scalar field. */
export const R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001n
/** Of the field of coordinates. */
export const Q = 0x30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47n

/** The scalar field has roots of unity of order 2^28; this one is 5 to the odd part of r - 1, as snarkjs has it. */
export const MAX_LOG = 28
const ROOT_BASE = 5n

/** Montgomery's factor in the files of snarkjs. */
const FILE_FACTOR = 1n << 256n

/** Roots of unity of orders 2^0 to 2^28. */
export function rootsOfUnity() {
  const roots = [power(ROOT_BASE, (R - 1n) >> BigInt(MAX_LOG), R)]
  while (roots.length <= MAX_LOG) roots.unshift((roots[0] * roots[0]) % R)
  return roots
}

/** What an element is multiplied by, in Montgomery's way, to get in or out. @param factor Montgomery's of the variant */
export function passages(p, factor) {
  return {
    enterPlain: (factor * factor) % p,
    enterFile: (factor * factor * power(FILE_FACTOR % p, p - 2n, p)) % p,
    // Of coefficients, which a key's file holds times its factor twice.
    enterTwice: (factor * factor * power(FILE_FACTOR % p, 2n * (p - 2n), p)) % p,
    leavePlain: 1n,
    leaveFile: FILE_FACTOR % p,
  }
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
