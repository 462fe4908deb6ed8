import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { FieldKernel } from '../../wasm/field/fieldkernel.ts'
import { ORDER_R, power, quotient, rootOfUnity, transform, type TwinCoefficient } from '../../wasm/field/fieldtwin.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import { finish } from '../../wasm/field/sliced.ts'
import { manyScalars, numberBytes, numbersBytes, numbersOf } from './fieldbytes.ts'
import { switchRelaxedSimdOn } from './relaxedsimd.ts'

const VARIANTS = ['scalar', 'relaxed-simd'] as const

const kernels = new Map<string, FieldKernel>()
beforeAll(async () => {
  await switchRelaxedSimdOn()
  for (const variant of VARIANTS) kernels.set(variant, await loadField({ variant }))
})

function kernelOf(variant: string): FieldKernel {
  const kernel = kernels.get(variant)
  if (kernel === undefined) throw new Error(`no kernel ${variant}`)
  return kernel
}

/** A key's section 4, of values in the form of files, twice. */
function sectionOf(coefficients: readonly TwinCoefficient[]): Uint8Array {
  const bytes = new Uint8Array(4 + 44 * coefficients.length)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, coefficients.length, true)
  coefficients.forEach(({ matrix, row, signal, value }, i) => {
    const at = 4 + 44 * i
    view.setUint32(at, matrix, true)
    view.setUint32(at + 4, row, true)
    view.setUint32(at + 8, signal, true)
    bytes.set(numberBytes((value * 2n ** 512n) % ORDER_R), at + 12)
  })
  return bytes
}

function quotientByKernel(
  kernel: FieldKernel,
  coefficients: readonly TwinCoefficient[],
  witness: readonly bigint[],
  domain: number,
): bigint[] {
  const shape = { domain, witnesses: witness.length }
  const placed = finish(kernel.placeCoefficients(sectionOf(coefficients), shape))
  const scalars = finish(kernel.quotient(placed, numbersBytes(witness)))
  const found = numbersOf(scalars.read())
  placed.free()
  scalars.free()
  return found
}

describe.each(VARIANTS)('transforms by the %s kernel', (variant) => {
  it.each([1, 2, 4, 8, 16, 32, 64, 512])('of %i numbers are those of its twin, there and back', (size) => {
    for (const values of [
      manyScalars(size, BigInt(size)),
      Array<bigint>(size).fill(ORDER_R - 1n),
      Array<bigint>(size).fill(0n),
      Array.from({ length: size }, (_, i) => (i % 2 === 0 ? 0n : ORDER_R - 1n)),
    ])
      for (const inverse of [false, true])
        expect(numbersOf(finish(kernelOf(variant).transform(numbersBytes(values), { inverse })))).toEqual(
          transform(values, inverse),
        )
  })

  it('of numbers of any size are those of its twin', () => {
    const element = fc.oneof(fc.constantFrom(0n, 1n, ORDER_R - 1n), fc.bigInt({ min: 0n, max: ORDER_R - 1n }))
    fc.assert(
      fc.property(fc.array(element, { minLength: 16, maxLength: 16 }), fc.boolean(), (values, inverse) => {
        const found = finish(kernelOf(variant).transform(numbersBytes(values), { inverse }))
        expect(numbersOf(found)).toEqual(transform(values, inverse))
      }),
    )
  })

  it('of 2^17 numbers and more come back, and have the value at any power of the root', () => {
    for (const log of import.meta.env['LONG'] ? [17, 18] : [17]) {
      const size = 2 ** log
      const values = manyScalars(size, BigInt(log))
      const bytes = numbersBytes(values)
      const found = finish(kernelOf(variant).transform(bytes))
      const at = 54_321
      const point = power(rootOfUnity(log), BigInt(at), ORDER_R)
      const value = values.reduceRight((sum, coefficient) => (sum * point + coefficient) % ORDER_R, 0n)
      expect(numbersOf(found.subarray(32 * at, 32 * at + 32))).toEqual([value])
      const back = finish(kernelOf(variant).transform(found, { inverse: true }))
      expect(back.every((byte, i) => byte === bytes[i])).toBe(true)
    }
  })

  it('keep nothing but their roots', async () => {
    const kernel = await loadField({ variant })
    finish(kernel.transform(new Uint8Array(32 * 64)))
    const kept = kernel.lentBytes
    finish(kernel.transform(new Uint8Array(32 * 64)))
    const sliced = kernel.transform(new Uint8Array(32 * 64))
    sliced.next()
    sliced.return(new Uint8Array())
    expect(kernel.lentBytes).toBe(kept)
    const larger = kernel.transform(new Uint8Array(32 * 2 ** 18))
    larger.next()
    larger.return(new Uint8Array())
    expect(kernel.lentBytes).toBe(kept)
  })

  it('of different sizes may run at once', () => {
    const arrays = [manyScalars(64, 1n), manyScalars(2048, 2n)]
    const expected = arrays.map((values) => transform(values))
    const running = arrays.map((values) => kernelOf(variant).transform(numbersBytes(values)))
    const found: (Uint8Array | undefined)[] = [undefined, undefined]
    while (found.includes(undefined))
      running.forEach((one, i) => {
        const { done, value } = one.next()
        if (done === true && value instanceof Uint8Array) found[i] = value
      })
    expect(found.map((bytes) => numbersOf(bytes ?? new Uint8Array()))).toEqual(expected)
  })
})

const signal = (count: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: count - 1 })

describe.each(VARIANTS)('quotients by the %s kernel', (variant) => {
  it('are those of its twin', () => {
    const coefficient = fc.record({
      matrix: fc.constantFrom<0 | 1>(0, 1),
      row: signal(16),
      signal: signal(5),
      value: fc.oneof(fc.constantFrom(0n, 1n, ORDER_R - 1n), fc.bigInt({ min: 0n, max: ORDER_R - 1n })),
    })
    const witness = fc.array(fc.bigInt({ min: 0n, max: ORDER_R - 1n }), { minLength: 5, maxLength: 5 })
    fc.assert(
      fc.property(fc.array(coefficient, { maxLength: 60 }), witness, fc.boolean(), (entries, values, isSorted) => {
        if (isSorted) entries.sort((a, b) => a.row - b.row)
        expect(quotientByKernel(kernelOf(variant), entries, values, 16)).toEqual(quotient(entries, values, 16))
      }),
    )
  })

  it.each([2, 4, 8])('are right with as few rows as %i', (domain) => {
    const entries = manyScalars(12, 3n).map((value, i): TwinCoefficient => ({
      matrix: i % 2 === 0 ? 0 : 1,
      row: Math.floor((i * domain) / 12),
      signal: i % 3,
      value,
    }))
    const witness = [1n, ORDER_R - 1n, 77n]
    expect(quotientByKernel(kernelOf(variant), entries, witness, domain)).toEqual(quotient(entries, witness, domain))
  })

  it('are right where many coefficients fall into one row', () => {
    const entries = manyScalars(20_000, 3n).map((value, i): TwinCoefficient => ({
      matrix: i % 3 === 0 ? 0 : 1,
      row: i < 15_000 ? 3 : i < 19_000 ? 5 : i % 8,
      signal: i % 50,
      value,
    }))
    const witness = [...manyScalars(49, 8n), ORDER_R - 1n]
    expect(quotientByKernel(kernelOf(variant), entries, witness, 8)).toEqual(quotient(entries, witness, 8))
  })

  it('are zero where A w times B w vanishes nowhere else than C w', () => {
    expect(new Set(quotientByKernel(kernelOf(variant), [], [1n, 2n], 64))).toEqual(new Set([0n]))
  })

  it('leave nothing behind when broken off or refused', () => {
    const kernel = kernelOf(variant)
    const entries: TwinCoefficient[] = [{ matrix: 0, row: 1, signal: 1, value: 5n }]
    const placed = finish(kernel.placeCoefficients(sectionOf(entries), { domain: 64, witnesses: 2 }))
    const kept = kernel.lentBytes
    const sliced = kernel.quotient(placed, numbersBytes([1n, 2n]))
    for (let slice = 0; slice < 4; slice++) expect(sliced.next().done).toBe(false)
    sliced.return({} as never)
    expect(kernel.lentBytes).toBe(kept)
    expect(codeOf(() => finish(kernel.quotient(placed, numbersBytes([1n]))))).toBe('field/wrong-size')
    expect(codeOf(() => finish(kernel.quotient(placed, new Uint8Array(64).fill(255))))).toBe('field/not-an-element')
    expect(kernel.lentBytes).toBe(kept)
    placed.free()
    placed.free()
  })
})

function codeOf(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return CodexError.is(error) ? error.code : error
  }
  return undefined
}

describe.each(VARIANTS)('bad input to the %s kernel', (variant) => {
  const shape = { domain: 4, witnesses: 3 }
  const one = { matrix: 0, row: 0, signal: 0, value: 1n } as const
  it.each<readonly [string, (kernel: FieldKernel) => unknown]>([
    ['field/wrong-size', (kernel) => finish(kernel.transform(new Uint8Array()))],
    ['field/wrong-size', (kernel) => finish(kernel.transform(new Uint8Array(32 * 3)))],
    ['field/wrong-size', (kernel) => finish(kernel.transform(new Uint8Array(32 * 2 ** 21)))],
    ['field/not-an-element', (kernel) => finish(kernel.transform(new Uint8Array(64).fill(255)))],
    ['field/wrong-size', (kernel) => finish(kernel.placeCoefficients(new Uint8Array(), shape))],
    ['field/wrong-size', (kernel) => finish(kernel.placeCoefficients(sectionOf([one]).subarray(1), shape))],
    ['field/wrong-size', (kernel) => finish(kernel.placeCoefficients(sectionOf([one]), { domain: 3, witnesses: 3 }))],
    ['field/wrong-size', (kernel) => finish(kernel.placeCoefficients(sectionOf([one]), { domain: 1, witnesses: 3 }))],
    ['field/not-a-coefficient', (kernel) => finish(kernel.placeCoefficients(sectionOf([{ ...one, row: 4 }]), shape))],
    [
      'field/not-a-coefficient',
      (kernel) => finish(kernel.placeCoefficients(sectionOf([{ ...one, signal: 3 }]), shape)),
    ],
    [
      'field/not-a-coefficient',
      (kernel) => finish(kernel.placeCoefficients(sectionOf([{ ...one, matrix: 2 as 1 }]), shape)),
    ],
    ['field/not-an-element', (kernel) => finish(kernel.placeCoefficients(sectionOf([one]).fill(255, 16), shape))],
  ])('is refused as %s', (code, act) => {
    const kernel = kernelOf(variant)
    const kept = kernel.lentBytes
    expect(codeOf(() => act(kernel))).toBe(code)
    expect(kernel.lentBytes).toBe(kept)
  })
})
