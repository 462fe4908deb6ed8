// A transform and two sums of products on one core, by our kernel or by ffjavascript, the arithmetic under snarkjs. The same in Node and in
// a page. Conversions of what comes in and goes out are included on both sides, points are resident in ours.

import { type Curve, getCurveFromName } from 'ffjavascript'

import type { FieldKernel, FieldVariant } from '../../wasm/field/fieldkernel.ts'
import { GENERATOR_1, GENERATOR_2 } from '../../wasm/field/fieldtwin.ts'
import type { Group } from '../../wasm/field/kernelexports.ts'
import { loadField } from '../../wasm/field/loadfield.ts'
import { finish } from '../../wasm/field/sliced.ts'
import { manyScalars, numbersBytes, pointsBytes } from '../wasm/fieldbytes.ts'
import type { Figure, Sample } from './harness.ts'

const GENERATORS = { 1: GENERATOR_1, 2: GENERATOR_2 } as const
const SIZES = { transform: 2 ** 17, 1: 2 ** 17, 2: 2 ** 15 } as const
const QUICK_SIZES = { transform: 2 ** 12, 1: 2 ** 10, 2: 2 ** 8 } as const
/** Each time is the best of at least so many, over at least so long: engines compile code anew that runs often, and other work on the machine only ever adds. */
const ATTEMPTS = 3
const LEAST_MS = 3000

/** @param atMost of the peer's time */
export function fieldFigures(atMost: number): readonly Figure[] {
  const goal = { of: 'ratio', atMost } as const
  return [
    { key: 'transformMs', unit: 'ms', title: 'transform of 2^17 numbers, one core', goal },
    { key: 'sum1Ms', unit: 'ms', title: 'sum of 2^17 products in G1, one core', goal },
    { key: 'sum2Ms', unit: 'ms', title: 'sum of 2^15 products in G2, one core', goal },
  ]
}

export async function measureKernel(variant: FieldVariant, quick: boolean): Promise<Sample> {
  const sizes = quick ? QUICK_SIZES : SIZES
  const kernel = await loadField({ variant })
  const numbers = numbersBytes(manyScalars(sizes.transform, 1n))
  const transformMs = await best(() => finish(kernel.transform(numbers)))
  const sumMs = async (group: Group): Promise<number> => {
    const { points, scalars } = terms(kernel, group, sizes[group])
    const placed = finish(kernel.placePoints(group, points))
    return best(() => {
      const placedScalars = finish(kernel.placeScalars(scalars))
      finish(kernel.sumOfProducts(placed, placedScalars, { form: 'file' }))
      placedScalars.free()
    })
  }
  return { transformMs, sum1Ms: await sumMs(1), sum2Ms: await sumMs(2) }
}

export async function measureFfjavascript(quick: boolean): Promise<Sample> {
  const sizes = quick ? QUICK_SIZES : SIZES
  const kernel = await loadField()
  const curve = await getCurveFromName('bn128', { singleThread: true })
  try {
    const numbers = kernel.convert('R', numbersBytes(manyScalars(sizes.transform, 1n)), 'plain', 'file')
    return {
      transformMs: await best(() => curve.Fr.fft(numbers)),
      sum1Ms: await bestSum(kernel, curve, 1, sizes[1]),
      sum2Ms: await bestSum(kernel, curve, 2, sizes[2]),
    }
  } finally {
    await curve.terminate()
  }
}

async function bestSum(kernel: FieldKernel, curve: Curve, group: Group, count: number): Promise<number> {
  const { points, scalars } = terms(kernel, group, count)
  const theirs = group === 1 ? curve.G1 : curve.G2
  return best(() => theirs.multiExpAffine(points, scalars))
}

/** The same points and scalars for both sides. */
function terms(kernel: FieldKernel, group: Group, count: number): { points: Uint8Array; scalars: Uint8Array } {
  const base = finish(kernel.placeBase(group, pointsBytes(group, [GENERATORS[group]]), { expected: count }))
  const points = finish(base.multiples(numbersBytes(manyScalars(count, 2n)), 'file'))
  base.free()
  return { points, scalars: numbersBytes(manyScalars(count, 3n)) }
}

async function best(act: () => unknown): Promise<number> {
  let leastMs = Infinity
  const start = performance.now()
  for (let attempt = 0; attempt < ATTEMPTS || performance.now() - start < LEAST_MS; attempt++) {
    const begin = performance.now()
    await act()
    leastMs = Math.min(leastMs, performance.now() - begin)
  }
  return leastMs
}
