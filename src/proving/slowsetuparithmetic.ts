// Fixed-base multiplication in plain TypeScript: enough for the small circuit, and what the kernel is held to. Takes about 60 µs per
// point of G1 and thrice that in G2, where a kernel takes one or two.

import { bn254 } from '@noble/curves/bn254.js'

import type { AbortOptions } from '../lib/abort.ts'
import { nextTask } from '../lib/nexttask.ts'
import { ELEMENT_BYTES, G1_BYTES, G2_BYTES } from './bn254.ts'
import { type Affine, type Fp2, writeG1, writeG2 } from './pointbytes.ts'
import type { SetupArithmetic } from './setuparithmetic.ts'

/** A digit is a byte of the scalar: one table of 255 points for each of its 32 places. */
const DIGITS = 256
/** Scalars between looks at the signal; they also share inversions. */
const BATCH = 256

/** What is needed of a field; the curve's own coordinates are its elements. */
interface Field<T> {
  readonly add: (a: T, b: T) => T
  readonly sub: (a: T, b: T) => T
  readonly mul: (a: T, b: T | bigint) => T
  readonly sqr: (a: T) => T
  readonly eql: (a: T, b: T) => boolean
  readonly invertBatch: (elements: T[]) => T[]
}

/** By place, then by digit; that of digit zero is undefined. */
type Tables<T> = readonly (readonly Affine<T>[])[]

let g1Tables: Tables<bigint> | undefined
let g2Tables: Tables<Fp2> | undefined

export const slowSetupArithmetic: SetupArithmetic = {
  fixedBaseMany: async (group, scalars, options) => {
    const { Fp, Fp2: fp2 } = bn254.fields
    if (group === 'g1') {
      g1Tables ??= makeTables(Fp, placesOf(bn254.G1.Point))
      return multiplyMany(Fp, g1Tables, scalars, { write: writeG1, size: G1_BYTES }, options)
    }
    g2Tables ??= makeTables<Fp2>(fp2, placesOf(bn254.G2.Point))
    return multiplyMany<Fp2>(fp2, g2Tables, scalars, { write: writeG2, size: G2_BYTES }, options)
  },
}

interface PointForm<T> {
  readonly write: (point: Affine<T>, to: Uint8Array, at: number) => void
  readonly size: number
}

async function multiplyMany<T>(
  field: Field<T>,
  tables: Tables<T>,
  scalars: Uint8Array,
  { write, size }: PointForm<T>,
  { signal }: AbortOptions,
): Promise<Uint8Array> {
  const count = scalars.length / ELEMENT_BYTES
  const points = new Uint8Array(size * count)
  for (let from = 0; from < count; from += BATCH) {
    signal.throwIfAborted()
    const batch = Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => from + i)
    let sums: readonly Affine<T>[] = batch.map(() => undefined)
    for (const [place, table] of tables.entries())
      sums = addMany(
        field,
        sums,
        batch.map((i) => table[scalars[ELEMENT_BYTES * i + place] ?? 0]),
      )
    sums.forEach((sum, i) => write(sum, points, size * (from + i)))
    await nextTask()
  }
  return points
}

/** The generator times 256^place. */
function placesOf<T>(group: {
  readonly BASE: { multiply(scalar: bigint): { toAffine(): { x: T; y: T } } }
}): readonly Affine<T>[] {
  return Array.from({ length: ELEMENT_BYTES }, (_, place) =>
    group.BASE.multiply(BigInt(DIGITS) ** BigInt(place) % bn254.fields.Fr.ORDER).toAffine(),
  )
}

function makeTables<T>(field: Field<T>, places: readonly Affine<T>[]): Tables<T> {
  const tables: Affine<T>[][] = places.map(() => [undefined])
  let multiples: readonly Affine<T>[] = places.map(() => undefined)
  for (let digit = 1; digit < DIGITS; digit++) {
    multiples = addMany(field, multiples, places)
    multiples.forEach((multiple, place) => tables[place]?.push(multiple))
  }
  return tables
}

/** Pairwise sums. The inversions of all slopes are shared, which is what makes affine addition cheap. */
function addMany<T>(field: Field<T>, left: readonly Affine<T>[], right: readonly Affine<T>[]): Affine<T>[] {
  const runs = left.map((p, i) => runOf(field, p, right[i]))
  const inverses = field.invertBatch(runs.filter((run) => run !== undefined))
  let used = 0
  return left.map((p, i) => {
    const q = right[i]
    if (p === undefined) return q
    if (q === undefined) return p
    if (runs[i] === undefined) return undefined
    const slope = field.mul(riseOf(field, p, q), inverses[used++] as T)
    const x = field.sub(field.sub(field.sqr(slope), p.x), q.x)
    return { x, y: field.sub(field.mul(slope, field.sub(p.x, x)), p.y) }
  })
}

/** What the slope is divided by; undefined where no slope is needed: a summand is infinity, or the sum is. */
function runOf<T>(field: Field<T>, p: Affine<T>, q: Affine<T>): T | undefined {
  if (p === undefined || q === undefined) return undefined
  if (!field.eql(p.x, q.x)) return field.sub(q.x, p.x)
  return field.eql(p.y, q.y) ? field.add(p.y, p.y) : undefined
}

function riseOf<T>(field: Field<T>, p: NonNullable<Affine<T>>, q: NonNullable<Affine<T>>): T {
  return field.eql(p.x, q.x) ? field.mul(field.sqr(p.x), 3n) : field.sub(q.y, p.y)
}
