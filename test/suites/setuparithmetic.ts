// The law of the SetupArithmetic seam, for the slow twin and for kernels. It knows nothing of circuits.

import { bn254 } from '@noble/curves/bn254.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { G1_BYTES, G2_BYTES, SCALAR_ORDER } from '../../src/proving/bn254.ts'
import { packScalars } from '../../src/proving/packscalars.ts'
import { readG1, readG2 } from '../../src/proving/pointbytes.ts'
import type { SetupArithmetic } from '../../src/proving/setuparithmetic.ts'

const GROUPS = {
  g1: { base: bn254.G1.Point.BASE, read: readG1, size: G1_BYTES },
  g2: { base: bn254.G2.Point.BASE, read: readG2, size: G2_BYTES },
} as const

/** @param make a fresh one; it may be asked for several */
export function setupArithmeticSuite(name: string, make: () => SetupArithmetic | Promise<SetupArithmetic>): void {
  const { signal } = new AbortController()

  describe.each(['g1', 'g2'] as const)(`${name}, in %s`, (group) => {
    const { base, read, size } = GROUPS[group]

    async function expectMultiples(scalars: readonly bigint[]): Promise<void> {
      const points = await (await make()).fixedBaseMany(group, packScalars(scalars), { signal })
      expect(points).toHaveLength(size * scalars.length)
      scalars.forEach((scalar, i) => {
        const bytes = points.subarray(size * i, size * (i + 1))
        if (scalar === 0n) expect(bytes.every((byte) => byte === 0)).toBe(true)
        else expect(read(bytes)?.toAffine()).toEqual(base.multiply(scalar).toAffine())
      })
    }

    test('multiplies by what lies at the ends, and by zero', async () => {
      const halves = [SCALAR_ORDER >> 1n, (SCALAR_ORDER >> 1n) + 1n]
      await expectMultiples([
        0n,
        1n,
        2n,
        3n,
        255n,
        256n,
        257n,
        2n ** 128n,
        2n ** 253n,
        ...halves,
        SCALAR_ORDER - 2n,
        SCALAR_ORDER - 1n,
        0n,
      ])
    })

    test('multiplies by any', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.bigInt({ min: 0n, max: SCALAR_ORDER - 1n }), { maxLength: 12 }), expectMultiples),
        { numRuns: 5 },
      )
    })

    test('multiplies by many, equal ones and zeros among them', async () => {
      await expectMultiples(Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? 7n : BigInt(i % 5) * 0x1234567n)))
    })

    test('takes none', async () => {
      await expectMultiples([])
    })

    test('ends with the signal, and leaves the scalars alone', async () => {
      const controller = new AbortController()
      const scalars = packScalars(new Array<bigint>(600).fill(SCALAR_ORDER - 1n))
      const before = scalars.slice()
      const reason = new Error('enough')
      const pending = (await make()).fixedBaseMany(group, scalars, controller)
      controller.abort(reason)
      await expect(pending).rejects.toBe(reason)
      expect(scalars).toEqual(before)
    })
  })
}
