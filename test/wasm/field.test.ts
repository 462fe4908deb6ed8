import fc from 'fast-check'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { FieldKernel } from '../../wasm/field/fieldkernel.ts'
import {
  addPoints,
  GENERATOR_1,
  GENERATOR_2,
  inverse,
  modulo,
  multiple,
  negate,
  ORDER_Q,
  ORDER_R,
  sumOfProducts,
  type TwinPoint,
} from '../../wasm/field/fieldtwin.ts'
import type { Group } from '../../wasm/field/kernelexports.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import { widthFor, windowCount } from '../../wasm/field/multiscalar.ts'
import { finish } from '../../wasm/field/sliced.ts'
import { manyScalars, numberBytes, numbersBytes, numbersOf, pointsBytes, pointsOf } from './fieldbytes.ts'
import { switchRelaxedSimdOn } from './relaxedsimd.ts'

const VARIANTS = ['scalar', 'relaxed-simd'] as const
const FIELDS = [
  ['R', ORDER_R],
  ['Q', ORDER_Q],
] as const
const GROUPS = [
  [1, GENERATOR_1],
  [2, GENERATOR_2],
] as const

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

/** Whatever a test does, nothing stays lent. */
afterEach(() => {
  for (const kernel of kernels.values()) expect(kernel.lentBytes).toBe(0)
})

function ends(order: bigint): bigint[] {
  // Digits of 51 bits, signed, and of 29 bits, at their ends, as plain numbers and as what lies in Montgomery's form of either kind.
  const patterns = [51n, 29n].flatMap((bits) =>
    [1n << (bits - 1n), (1n << (bits - 1n)) - 1n, (1n << bits) - 1n, 1n].map((digit) => {
      let value = 0n
      for (let at = 0n; at < 253n; at += bits) value |= digit << at
      return value % order
    }),
  )
  const factors = [1n, 2n ** 255n, 2n ** 261n].map((factor) => inverse(factor, order))
  const values = [0n, 1n, 2n, order >> 1n, (order >> 1n) + 1n, order - 1n, order - 2n, ...patterns]
  return [...values, ...values.flatMap((value) => factors.map((factor) => (value * factor) % order))]
}

describe.each(VARIANTS)('the arithmetic of the %s kernel', (variant) => {
  describe.each(FIELDS)('in the field %s', (field, order) => {
    const element = fc.bigInt({ min: 0n, max: order - 1n })

    it('adds, subtracts, multiplies and inverts as its twin does', () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(element, element), { maxLength: 40 }), (pairs) => {
          const [a, b] = [0, 1].map((i) => numbersBytes(pairs.map((pair) => pair[i as 0 | 1]))) as [
            Uint8Array,
            Uint8Array,
          ]
          const kernel = kernelOf(variant)
          expect(numbersOf(kernel.add(field, a, b))).toEqual(pairs.map(([x, y]) => (x + y) % order))
          expect(numbersOf(kernel.subtract(field, a, b))).toEqual(pairs.map(([x, y]) => modulo(x - y, order)))
          expect(numbersOf(kernel.multiply(field, a, b))).toEqual(pairs.map(([x, y]) => (x * y) % order))
          expect(numbersOf(kernel.invert(field, a))).toEqual(pairs.map(([x]) => inverse(x, order)))
        }),
      )
    })

    it('does so at the ends of the field and of its digits', () => {
      const values = ends(order)
      const [a, b] = [values.flatMap((x) => values.map(() => x)), values.flatMap(() => values)]
      const [left, right] = [numbersBytes(a), numbersBytes(b)]
      const kernel = kernelOf(variant)
      const expected = (operation: (x: bigint, y: bigint) => bigint): bigint[] =>
        a.map((x, i) => modulo(operation(x, b[i] ?? 0n), order))
      expect(numbersOf(kernel.multiply(field, left, right))).toEqual(expected((x, y) => x * y))
      expect(numbersOf(kernel.add(field, left, right))).toEqual(expected((x, y) => x + y))
      expect(numbersOf(kernel.subtract(field, left, right))).toEqual(expected((x, y) => x - y))
      expect(numbersOf(kernel.invert(field, numbersBytes(values)))).toEqual(values.map((x) => inverse(x, order)))
    })

    it('takes numbers in and out in both forms', () => {
      const values = [...ends(order), ...manyScalars(50, 5n)]
      const plain = numbersBytes(values)
      const file = numbersBytes(values.map((value) => (value * 2n ** 256n) % order))
      expect(kernelOf(variant).convert(field, plain, 'plain', 'file')).toEqual(file)
      expect(kernelOf(variant).convert(field, file, 'file', 'plain')).toEqual(plain)
    })

    it('works through arrays of several pieces', () => {
      const values = manyScalars(4097 + 33, 9n)
      const found = numbersOf(kernelOf(variant).multiply(field, numbersBytes(values), numbersBytes(values)))
      expect(found).toEqual(values.map((value) => (value * value) % order))
      const inverses = kernelOf(variant).invert(field, numbersBytes(values))
      const ones = numbersOf(kernelOf(variant).multiply(field, inverses, numbersBytes(values)))
      expect(new Set(ones)).toEqual(new Set([1n]))
    })
  })
})

/** Infinity, some points, their opposites and doubles. */
function somePoints(generator: TwinPoint): TwinPoint[] {
  const points = [1n, 2n, 3n, 4n, ORDER_R >> 1n, 12345678901234567890n].map((scalar) => multiple(generator, scalar))
  return [undefined, ...points, ...points.map(negate)]
}

describe.each(VARIANTS)('points of the %s kernel', (variant) => {
  describe.each(GROUPS)('in G%i', (group, generator) => {
    it('add as those of its twin do: equal, opposite, infinite', () => {
      const points = somePoints(generator)
      const [a, b] = [points.flatMap((point) => points.map(() => point)), points.flatMap(() => points)]
      for (const count of [a.length, a.length - 1, 1, 0]) {
        const [left, right] = [a.slice(0, count), b.slice(0, count)]
        const found = kernelOf(variant).addPoints(group, pointsBytes(group, left), pointsBytes(group, right))
        expect(pointsOf(group, found)).toEqual(left.map((point, i) => addPoints(point, right[i])))
      }
    })

    it('add in the form of files', () => {
      const points = pointsBytes(group, somePoints(generator))
      const file = kernelOf(variant).convert('Q', points, 'plain', 'file')
      const sum = kernelOf(variant).convert('Q', kernelOf(variant).addPoints(group, points, points), 'plain', 'file')
      expect(kernelOf(variant).addPoints(group, file, file, 'file')).toEqual(sum)
    })

    it.each([0, 1, 40, 700])('multiplies one base by %i scalars', (count) => {
      const scalars = [0n, 1n, ORDER_R - 1n, 2n, 5n, 5n, ORDER_R >> 1n, ...manyScalars(count, 3n)].slice(0, count)
      const base = multiple(generator, 77n)
      const found = multiples(kernelOf(variant), group, base, scalars, 700)
      const some = [...scalars.keys()].filter((i) => i < 12 || i % 70 === 0)
      expect(some.map((i) => found[i])).toEqual(some.map((i) => multiple(base, scalars[i] ?? 0n)))
    })

    it('multiplies infinity', () => {
      expect(multiples(kernelOf(variant), group, undefined, [0n, 1n, 99n], 10)).toEqual([
        undefined,
        undefined,
        undefined,
      ])
    })
  })
})

function multiples(
  kernel: FieldKernel,
  group: Group,
  point: TwinPoint,
  scalars: readonly bigint[],
  expected: number,
): TwinPoint[] {
  const base = finish(kernel.placeBase(group, pointsBytes(group, [point]), { expected }))
  const found = finish(base.multiples(numbersBytes(scalars), 'plain'))
  base.free()
  return pointsOf(group, found)
}

function sumByKernel(
  kernel: FieldKernel,
  group: Group,
  points: readonly TwinPoint[],
  scalars: readonly bigint[],
  options: Parameters<FieldKernel['sumOfProducts']>[2] = {},
): TwinPoint {
  const placed = finish(kernel.placePoints(group, pointsBytes(group, points), { form: 'plain' }))
  const placedScalars = finish(kernel.placeScalars(numbersBytes(scalars)))
  const sum = finish(kernel.sumOfProducts(placed, placedScalars, options))
  placed.free()
  placedScalars.free()
  return pointsOf(group, sum)[0]
}

describe.each(VARIANTS)('sums of products by the %s kernel', (variant) => {
  describe.each(GROUPS)('in G%i', (group, generator) => {
    const points = somePoints(generator)

    it('are those of its twin, for any choice of points and scalars', () => {
      const scalar = fc.oneof(
        fc.constantFrom(0n, 1n, 2n, ORDER_R - 1n, ORDER_R - 2n, 2n ** 253n, 2n ** 128n - 1n),
        fc.bigInt({ min: 0n, max: ORDER_R - 1n }),
      )
      const term = fc.tuple(fc.constantFrom(...points), scalar)
      fc.assert(
        fc.property(fc.array(term, { maxLength: 12 }), fc.integer({ min: 2, max: 9 }), (terms, width) => {
          const [chosen, scalars] = [terms.map(([point]) => point), terms.map(([, value]) => value)]
          const expected = sumOfProducts(chosen, scalars)
          expect(sumByKernel(kernelOf(variant), group, chosen, scalars)).toEqual(expected)
          expect(sumByKernel(kernelOf(variant), group, chosen, scalars, { width })).toEqual(expected)
        }),
        { numRuns: import.meta.env['LONG'] ? 15 : 5 },
      )
    })

    it.each([2, 3, 5, 8, 13, 15])('are right in digits of %i bits, which span words', (width) => {
      const scalars = [ORDER_R - 1n, ...manyScalars(5, BigInt(width)), (1n << 253n) - 1n]
      const chosen = scalars.map((_, i) => points[1 + (i % 5)])
      const sum = sumByKernel(kernelOf(variant), group, chosen, scalars, { width })
      expect(sum).toEqual(sumOfProducts(chosen, scalars))
    })

    it.each([
      ['equal scalars', () => 0x123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdefn],
      ['scalars of one', () => 1n],
      ['scalars of minus one', () => ORDER_R - 1n],
      ['scalars of zero', () => 0n],
      ['opposite scalars', (i: number) => (i % 2 === 0 ? 99n : ORDER_R - 99n)],
    ])('of equal points and %s', (_, scalarOf) => {
      // More than the entries of one slice, all of them in one bucket. G2 shares the slices with G1, and takes three times as long.
      const count = group === 1 || import.meta.env['LONG'] ? 16_501 : 501
      const scalars = Array.from({ length: count }, (__, i) => scalarOf(i))
      const total = scalars.reduce((sum, scalar) => (sum + scalar) % ORDER_R, 0n)
      const chosen = Array<TwinPoint>(count).fill(points[6])
      const sum = sumByKernel(kernelOf(variant), group, chosen, scalars, { width: 8 })
      expect(sum).toEqual(multiple(points[6], total))
    })

    it('are those of many points', () => {
      const kernel = kernelOf(variant)
      const logs = manyScalars(3000, 17n)
      const scalars = manyScalars(3000, 18n)
      logs[7] = 0n
      scalars[8] = 0n
      const chosen = multiples(kernel, group, generator, logs, 3000)
      const total = logs.reduce((sum, log, i) => (sum + log * (scalars[i] ?? 0n)) % ORDER_R, 0n)
      expect(sumByKernel(kernel, group, chosen, scalars)).toEqual(multiple(generator, total))
    })

    it('come together from ranges and from windows', () => {
      const kernel = kernelOf(variant)
      const scalars = manyScalars(9, 4n)
      const chosen = scalars.map((_, i) => points[1 + (i % 6)])
      const whole = sumByKernel(kernel, group, chosen, scalars)
      expect(whole).toEqual(sumOfProducts(chosen, scalars))
      const ranges = [0, 4].map((from, i) =>
        sumByKernel(kernel, group, chosen.slice(from, i === 0 ? 4 : 9), scalars, { offset: from }),
      )
      expect(addPoints(ranges[0], ranges[1])).toEqual(whole)
      const last = windowCount(7)
      const windows = (
        [
          [0, 10],
          [10, last - 1],
          [last - 1, last],
        ] as const
      ).map((range) => sumByKernel(kernel, group, chosen, scalars, { width: 7, windows: range }))
      expect(windows.reduce(addPoints)).toEqual(whole)
    })
  })

  it('leave points and scalars as they were, also when broken off', () => {
    const kernel = kernelOf(variant)
    const scalars = manyScalars(50, 1n)
    const points = finish(kernel.placePoints(1, pointsBytes(1, somePoints(GENERATOR_1)), { form: 'plain' }))
    const placed = finish(kernel.placeScalars(numbersBytes(scalars)))
    const before = kernel.lentBytes
    const sliced = kernel.sumOfProducts(points, placed, { width: 5 })
    for (let slice = 0; slice < 7; slice++) expect(sliced.next().done).toBe(false)
    expect(kernel.lentBytes).toBeGreaterThan(before)
    sliced.return(new Uint8Array())
    expect(kernel.lentBytes).toBe(before)
    expect(placed.read()).toEqual(numbersBytes(scalars))
    // Two at a time, in different digits of the same scalars.
    const both = [
      kernel.sumOfProducts(points, placed, { width: 5 }),
      kernel.sumOfProducts(points, placed, { width: 6 }),
    ]
    const results: Uint8Array[] = []
    while (results.length < 2)
      for (const one of both) {
        const { done, value } = one.next()
        if (done === true && value instanceof Uint8Array) results.push(value)
      }
    expect(results[0]).toEqual(results[1])
    points.free()
    points.free()
    placed.free()
    placed.free()
  })
})

it('takes wider digits for more points', () => {
  expect([0, 1, 100, 5000, 2 ** 15, 2 ** 17].map(widthFor)).toEqual(
    [...[0, 1, 100, 5000, 2 ** 15, 2 ** 17].map(widthFor)].sort((a, b) => a - b),
  )
  expect(widthFor(2 ** 17)).toBeGreaterThan(10)
})

describe.each(VARIANTS)('bad input to the %s kernel', (variant) => {
  const point = pointsBytes(1, [GENERATOR_1])
  it.each<readonly [string, (kernel: FieldKernel) => unknown]>([
    ['field/wrong-size', (kernel) => kernel.add('R', new Uint8Array(31), new Uint8Array(31))],
    ['field/wrong-size', (kernel) => kernel.add('R', new Uint8Array(32), new Uint8Array(64))],
    ['field/not-an-element', (kernel) => kernel.multiply('R', new Uint8Array(32), numberBytes(ORDER_R))],
    ['field/not-an-element', (kernel) => kernel.invert('Q', numberBytes(ORDER_Q))],
    ['field/not-an-element', (kernel) => kernel.invert('R', new Uint8Array(32).fill(255))],
    ['field/wrong-size', (kernel) => kernel.addPoints(1, point, new Uint8Array(128))],
    ['field/wrong-size', (kernel) => kernel.addPoints(2, point, point)],
    ['field/not-an-element', (kernel) => kernel.addPoints(1, point, new Uint8Array(64).fill(255))],
    ['field/wrong-size', (kernel) => finish(kernel.placePoints(1, new Uint8Array(65)))],
    ['field/not-an-element', (kernel) => finish(kernel.placePoints(1, new Uint8Array(64).fill(255)))],
    ['field/not-an-element', (kernel) => finish(kernel.placeScalars(numberBytes(ORDER_R)))],
    ['field/wrong-size', (kernel) => finish(kernel.placeScalars(new Uint8Array(33)))],
    ['field/wrong-size', (kernel) => finish(kernel.placeBase(2, point, { expected: 1 }))],
    ['field/not-an-element', (kernel) => finish(kernel.placeBase(1, new Uint8Array(64).fill(255), { expected: 1 }))],
    ['field/wrong-size', (kernel) => sumWith(kernel, { offset: 1 })],
    ['field/wrong-size', (kernel) => sumWith(kernel, { width: 8, windows: [0, 33] })],
    ['field/wrong-size', (kernel) => sumWith(kernel, { width: 8, windows: [4, 4] })],
  ])('is refused as %s', (code, act) => {
    let thrown: unknown
    try {
      act(kernelOf(variant))
    } catch (error) {
      thrown = error
    }
    expect(CodexError.is(thrown) ? thrown.code : thrown).toBe(code)
  })

  it('names the number that is too large', () => {
    const numbers = numbersBytes(manyScalars(5000, 1n))
    numbers.fill(255, 32 * 4500, 32 * 4501)
    expect(() => kernelOf(variant).add('R', numbers, numbers)).toThrow('at index 4500')
  })

  it('takes the largest numbers', () => {
    expect(numbersOf(kernelOf(variant).add('Q', numberBytes(ORDER_Q - 1n), numberBytes(1n)))).toEqual([0n])
  })

  it('runs out of a small memory and goes on', async () => {
    const kernel = await loadField({ variant, maxBytes: 4 * 2 ** 20 })
    const error = ((): unknown => {
      try {
        return finish(kernel.placePoints(1, new Uint8Array(64 * 100_000).fill(1)))
      } catch (thrown) {
        return thrown
      }
    })()
    expect(CodexError.is(error, 'field/out-of-memory')).toBe(true)
    expect(kernel.lentBytes).toBe(0)
    expect(kernel.memoryBytes).toBeLessThanOrEqual(4 * 2 ** 20)
    expect(numbersOf(kernel.add('R', numberBytes(1n), numberBytes(2n)))).toEqual([3n])
  })
})

function sumWith(kernel: FieldKernel, options: Parameters<FieldKernel['sumOfProducts']>[2]): void {
  const points = finish(kernel.placePoints(1, pointsBytes(1, [GENERATOR_1]), { form: 'plain' }))
  const scalars = finish(kernel.placeScalars(numberBytes(5n)))
  try {
    finish(kernel.sumOfProducts(points, scalars, options))
  } finally {
    points.free()
    scalars.free()
  }
}

it('takes the fastest variant that the engine runs rightly', async () => {
  expect((await loadField()).variant).toBe('relaxed-simd')
})

describe('where the engine', () => {
  afterEach(() => vi.restoreAllMocks())
  const refusal = async (): Promise<unknown> => loadField({ variant: 'relaxed-simd' }).catch((error: unknown) => error)

  it('lacks relaxed SIMD, the scalar variant serves', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
    expect((await loadField()).variant).toBe('scalar')
    expect(CodexError.is(await refusal(), 'field/no-relaxed-simd')).toBe(true)
  })

  it('rounds twice in multiply-add, the scalar variant serves', async () => {
    const instantiate = WebAssembly.instantiate as (
      code: BufferSource,
    ) => Promise<WebAssembly.WebAssemblyInstantiatedSource>
    vi.spyOn(WebAssembly, 'instantiate').mockImplementation((async (code: BufferSource) => {
      const source = await instantiate(code)
      return { ...source, instance: { exports: { ...source.instance.exports, isFused: () => 0 } } }
    }) as unknown as typeof WebAssembly.instantiate)
    expect((await loadField()).variant).toBe('scalar')
    expect(CodexError.is(await refusal(), 'field/no-relaxed-simd')).toBe(true)
  })
})
