// The field kernel beside ffjavascript, the arithmetic under snarkjs: the same bytes in, the same bytes out.

import { type Curve, getCurveFromName } from 'ffjavascript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { FieldKernel } from '../../wasm/field/fieldkernel.ts'
import { GENERATOR_1, GENERATOR_2, ORDER_R } from '../../wasm/field/fieldtwin.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import { finish } from '../../wasm/field/sliced.ts'
import { manyScalars, numbersBytes, pointsBytes } from './fieldbytes.ts'
import { switchRelaxedSimdOn } from './relaxedsimd.ts'

const VARIANTS = ['scalar', 'relaxed-simd'] as const
const GENERATORS = { 1: GENERATOR_1, 2: GENERATOR_2 } as const

let curve: Curve
const kernels = new Map<string, FieldKernel>()
beforeAll(async () => {
  await switchRelaxedSimdOn()
  curve = await getCurveFromName('bn128', { singleThread: true })
  for (const variant of VARIANTS) kernels.set(variant, await loadField({ variant }))
})
afterAll(() => curve.terminate())

function kernelOf(variant: string): FieldKernel {
  const kernel = kernels.get(variant)
  if (kernel === undefined) throw new Error(`no kernel ${variant}`)
  return kernel
}

/** As `batchFromMontgomery` and others return them: views of any kind. */
const plainArray = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes)

describe.each(VARIANTS)('the %s kernel and ffjavascript', (variant) => {
  it.each([2, 8, 1024, import.meta.env['LONG'] ? 2 ** 14 : 2 ** 12])('transform %i numbers alike', async (size) => {
    const kernel = kernelOf(variant)
    const plain = numbersBytes(manyScalars(size, BigInt(size)))
    const file = kernel.convert('R', plain, 'plain', 'file')
    const there = plainArray(await curve.Fr.fft(file))
    const back = plainArray(await curve.Fr.ifft(file))
    expect(kernel.convert('R', finish(kernel.transform(plain)), 'plain', 'file')).toEqual(there)
    expect(kernel.convert('R', finish(kernel.transform(plain, { inverse: true })), 'plain', 'file')).toEqual(back)
  })

  it.each([1, 2] as const)('sum products in G%i alike', async (group) => {
    const kernel = kernelOf(variant)
    const theirs = group === 1 ? curve.G1 : curve.G2
    const logs = [0n, 1n, 1n, ORDER_R - 1n, ...manyScalars(996, 3n)]
    const scalars = numbersBytes([7n, 0n, 1n, ORDER_R - 1n, ORDER_R - 1n, ...manyScalars(995, 4n)])
    const base = finish(kernel.placeBase(group, pointsBytes(group, [GENERATORS[group]]), { expected: 1000 }))
    const points = finish(base.multiples(numbersBytes(logs), 'file'))
    base.free()
    const placed = finish(kernel.placePoints(group, points))
    const placedScalars = finish(kernel.placeScalars(scalars))
    const sum = finish(kernel.sumOfProducts(placed, placedScalars, { form: 'file' }))
    placed.free()
    placedScalars.free()
    expect(sum).toEqual(plainArray(theirs.toAffine(await theirs.multiExpAffine(points, scalars))))
  })

  it.each([1, 2] as const)('multiply and add points of G%i alike', (group) => {
    const kernel = kernelOf(variant)
    const theirs = group === 1 ? curve.G1 : curve.G2
    const scalars = [1n, 2n, ORDER_R - 1n, ...manyScalars(20, 9n)]
    const base = finish(kernel.placeBase(group, pointsBytes(group, [GENERATORS[group]]), { expected: 1 }))
    const points = finish(base.multiples(numbersBytes(scalars), 'file'))
    base.free()
    const size = 64 * group
    scalars.forEach((scalar, i) => {
      const expected = theirs.toAffine(theirs.timesScalar(theirs.g, numbersBytes([scalar])))
      expect(points.subarray(size * i, size * (i + 1))).toEqual(plainArray(expected))
    })
    const next = points.slice(size)
    const sums = kernel.addPoints(group, points.slice(0, -size), next, 'file')
    for (let i = 0; i + 1 < scalars.length; i++) {
      const [a, b] = [i, i + 1].map((at) => points.subarray(size * at, size * (at + 1))) as [Uint8Array, Uint8Array]
      expect(sums.subarray(size * i, size * (i + 1))).toEqual(plainArray(theirs.toAffine(theirs.add(a, b))))
    }
  })

  it('find the scalars of section 9 alike', async () => {
    const kernel = kernelOf(variant)
    const { Fr } = curve
    const domain = 64
    // One coefficient per row and matrix, of signals that the witness holds: A w and B w are then known numbers.
    const [values, witness] = [manyScalars(2 * domain, 5n), manyScalars(2 * domain, 6n)]
    const products = values.map((value, i) => (value * (witness[i] ?? 0n)) % ORDER_R)
    const section = new Uint8Array(4 + 44 * 2 * domain)
    const view = new DataView(section.buffer)
    view.setUint32(0, 2 * domain, true)
    values.forEach((value, i) => {
      const at = 4 + 44 * i
      view.setUint32(at, i % 2, true)
      view.setUint32(at + 4, i >> 1, true)
      view.setUint32(at + 8, i, true)
      section.set(numbersBytes([(value * 2n ** 512n) % ORDER_R]), at + 12)
    })
    const rows = [0, 1].map((matrix) => products.filter((_, i) => i % 2 === matrix))
    const c = (rows[0] ?? []).map((a, i) => (a * (rows[1]?.[i] ?? 0n)) % ORDER_R)
    const odd = await Promise.all(
      [...rows, c].map(async (row) => {
        const coefficients = await Fr.ifft(await Fr.batchToMontgomery(numbersBytes(row)))
        return Fr.fft(await Fr.batchApplyKey(coefficients, Fr.one, Fr.w[7] ?? Fr.one))
      }),
    )
    const expected = new Uint8Array(32 * domain)
    for (let i = 0; i < domain; i++) {
      const [oddA, oddB, oddC] = odd.map((array) => array.slice(32 * i, 32 * i + 32)) as [
        Uint8Array,
        Uint8Array,
        Uint8Array,
      ]
      expected.set(Fr.sub(Fr.mul(oddA, oddB), oddC), 32 * i)
    }
    const placed = finish(kernel.placeCoefficients(section, { domain, witnesses: 2 * domain }))
    const scalars = finish(kernel.quotient(placed, numbersBytes(witness)))
    expect(scalars.read()).toEqual(plainArray(await Fr.batchFromMontgomery(expected)))
    placed.free()
    scalars.free()
  })
})
