// Values of Lagrange polynomials at one point, over powers of a root of unity. Interpolates nothing.

import { assert } from '../lib/errors.ts'
import { inverse, MAX_DOMAIN_POWER, power, ROOT_OF_UNITY, SCALAR_ORDER } from './bn254.ts'

/**
 * L_i(point) for i = start, start + step, …, `count` of them, over the 2^domainPower powers of the root of unity: the polynomial that is
 * one at root^i and zero at all other powers is (x^n - 1) root^i / (n (x - root^i)).
 * @param point no power of that root
 */
export function lagrangeBasis(
  domainPower: number,
  point: bigint,
  { start, step, count }: { readonly start: number; readonly step: number; readonly count: number },
): bigint[] {
  const size = 1n << BigInt(domainPower)
  const root = power(ROOT_OF_UNITY, 1n << BigInt(MAX_DOMAIN_POWER - domainPower), SCALAR_ORDER)
  const vanishing = power(point, size, SCALAR_ORDER) - 1n
  assert(vanishing !== 0n, 'the point lies outside the domain')
  const scale = (vanishing * inverse(size, SCALAR_ORDER)) % SCALAR_ORDER
  const stride = power(root, BigInt(step), SCALAR_ORDER)
  // One inversion for all: from the product of all differences, taken apart from its end.
  const roots: bigint[] = []
  const products: bigint[] = [1n]
  let at = power(root, BigInt(start), SCALAR_ORDER)
  for (let i = 0; i < count; i++) {
    roots.push(at)
    products.push(((products[i] ?? 0n) * differenceOf(point, at)) % SCALAR_ORDER)
    at = (at * stride) % SCALAR_ORDER
  }
  let left = inverse(products[count] ?? 0n, SCALAR_ORDER)
  const values = new Array<bigint>(count)
  for (let i = count - 1; i >= 0; i--) {
    const current = roots[i] ?? 0n
    const inverted = (left * (products[i] ?? 0n)) % SCALAR_ORDER
    values[i] = (((scale * current) % SCALAR_ORDER) * inverted) % SCALAR_ORDER
    left = (left * differenceOf(point, current)) % SCALAR_ORDER
  }
  return values
}

function differenceOf(point: bigint, root: bigint): bigint {
  return point - root + (point < root ? SCALAR_ORDER : 0n)
}
