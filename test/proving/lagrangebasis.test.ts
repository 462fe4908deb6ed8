import { expect, it } from 'vitest'

import { inverse, MAX_DOMAIN_POWER, power, ROOT_OF_UNITY, SCALAR_ORDER } from '../../src/proving/bn254.ts'
import { lagrangeBasis } from '../../src/proving/lagrangebasis.ts'

const POINT = 123_456_789n ** 8n % SCALAR_ORDER

/** By definition: the product over all other roots of (point - other) / (root - other). */
function byDefinition(domainPower: number, at: number): bigint {
  const size = 2 ** domainPower
  const root = power(ROOT_OF_UNITY, 2n ** BigInt(MAX_DOMAIN_POWER - domainPower), SCALAR_ORDER)
  const roots = Array.from({ length: size }, (_, i) => power(root, BigInt(i), SCALAR_ORDER))
  const modulo = (value: bigint): bigint => ((value % SCALAR_ORDER) + SCALAR_ORDER) % SCALAR_ORDER
  return roots.reduce((product, other, i) => {
    if (i === at) return product
    const quotient = modulo(POINT - other) * inverse(modulo((roots[at] ?? 0n) - other), SCALAR_ORDER)
    return (product * quotient) % SCALAR_ORDER
  }, 1n)
}

it('the root of unity has its order, and no smaller one', () => {
  expect(power(ROOT_OF_UNITY, 2n ** 28n, SCALAR_ORDER)).toBe(1n)
  expect(power(ROOT_OF_UNITY, 2n ** 27n, SCALAR_ORDER)).toBe(SCALAR_ORDER - 1n)
})

it.each([0, 1, 2, 4])('is the basis by definition over 2^%i roots', (domainPower) => {
  const count = 2 ** domainPower
  const basis = lagrangeBasis(domainPower, POINT, { start: 0, step: 1, count })
  expect(basis).toEqual(Array.from({ length: count }, (_, i) => byDefinition(domainPower, i)))
})

it('takes every second root', () => {
  const odd = lagrangeBasis(4, POINT, { start: 1, step: 2, count: 8 })
  expect(odd).toEqual(Array.from({ length: 8 }, (_, i) => byDefinition(4, 2 * i + 1)))
})

it('is of no use at a root', () => {
  expect(() => lagrangeBasis(4, 1n, { start: 0, step: 1, count: 16 })).toThrow('outside the domain')
})
