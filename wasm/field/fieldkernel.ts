// BN254 by the compiled kernel: field arithmetic, points, sums of products, multiples of a base, transforms, the rows of a Groth16 key. This
// file lays out who does what; the work is in the files it imports. No call returns views into the kernel's memory.
//
// Memory, above the kernel's own (see assembly/kernel.ts): what is resident (points, scalars, tables, coefficients) and what computations
// need while they run, in areas lent by kernelheap.ts. Kernels share nothing: each worker has one of its own, with its range of every
// set of points; a sum over all of them is the sum of the workers' sums.
//
// Numbers are below the order of their field, 32 little-endian bytes; points are affine, x before y, in G2 the real part before
// the imaginary one, and all zeros for infinity. That points lie on their curve is the caller's business.

import { Coefficients, type KeyShape } from './coefficients.ts'
import { checkSameLength, elementwise } from './elementwise.ts'
import { FixedBase } from './fixedbase.ts'
import { KernelHeap } from './kernelheap.ts'
import type { Group, KernelExports } from './kernelexports.ts'
import {
  checkNumbers,
  countOf,
  type FieldName,
  flag,
  type KernelParts,
  NUMBER_BYTES,
  type NumberForm,
  pointBytes,
  residentBytes,
} from './kernelparts.ts'
import { sumOfProducts, type SumOptions } from './multiscalar.ts'
import { PointSet } from './pointset.ts'
import { ScalarSet } from './scalarset.ts'
import type { Sliced } from './sliced.ts'
import { RootTable, transform } from './transforms.ts'

export type FieldVariant = 'scalar' | 'relaxed-simd'

/** Of a kernel's memory, unless told otherwise: 300 MiB. */
export const DEFAULT_MAX_BYTES = 300 * 2 ** 20

export class FieldKernel {
  readonly variant: FieldVariant
  readonly #parts: KernelParts
  readonly #roots: RootTable

  /** @param exports of an instance that nobody else uses */
  constructor(variant: FieldVariant, exports: KernelExports, maxBytes = DEFAULT_MAX_BYTES) {
    this.variant = variant
    const heap = new KernelHeap(exports.memory, exports.buffer(), maxBytes)
    this.#parts = { exports, heap, lanes: exports.lanes() }
    this.#roots = new RootTable(this.#parts)
  }

  /** Of the kernel's memory; it never shrinks. */
  get memoryBytes(): number {
    return this.#parts.heap.memoryBytes
  }

  /** Of what is resident, and of computations under way. */
  get lentBytes(): number {
    return this.#parts.heap.lentBytes
  }

  /** Number by number, of two arrays of one length. @throws CodexError `field/wrong-size` or `field/not-an-element` */
  add(field: FieldName, a: Uint8Array, b: Uint8Array): Uint8Array {
    return elementwise(this.#parts, 'add', field, [a, b])
  }

  /** @throws as {@link add} does */
  subtract(field: FieldName, a: Uint8Array, b: Uint8Array): Uint8Array {
    return elementwise(this.#parts, 'subtract', field, [a, b])
  }

  /** @throws as {@link add} does */
  multiply(field: FieldName, a: Uint8Array, b: Uint8Array): Uint8Array {
    return elementwise(this.#parts, 'multiply', field, [a, b])
  }

  /** Zero stays zero. One inversion for some thousand numbers. @throws as {@link add} does */
  invert(field: FieldName, a: Uint8Array): Uint8Array {
    return elementwise(this.#parts, 'invert', field, [a])
  }

  /** @throws as {@link add} does */
  convert(field: FieldName, a: Uint8Array, from: NumberForm, to: NumberForm): Uint8Array {
    return elementwise(this.#parts, 'convert', field, [a], { from, to })
  }

  /** Point by point, of two arrays of one length. @throws CodexError `field/wrong-size` or `field/not-an-element` */
  addPoints(group: Group, a: Uint8Array, b: Uint8Array, form: NumberForm = 'plain'): Uint8Array {
    const { exports, heap } = this.#parts
    const count = countOf(a, pointBytes(group), `points of G${group}`)
    checkSameLength(a, b)
    const bytes = a.length + pointBytes(group)
    const sizes = [bytes, residentBytes(group) * (count + 1), residentBytes(group) * (count + 1)]
    const [area = 0, ...sets] = sizes.map((size) => heap.lend(size))
    const [to = 0, from = 0] = sets
    try {
      for (const [input, set] of [
        [a, to],
        [b, from],
      ] as const) {
        heap.bytes.set(input, area)
        heap.bytes.fill(0, area + a.length, area + bytes)
        checkNumbers(this.#parts, 'Q', area, input.length / NUMBER_BYTES)
        exports.enterAll(group, area, count, set, flag(form === 'file'))
      }
      exports.addStrided(group, to, 1, from, 1, count)
      exports.leavePoints(group, to, count, area, flag(form === 'file'))
      return heap.bytes.slice(area, area + a.length)
    } finally {
      for (const address of [area, to, from]) heap.takeBack(address)
    }
  }

  /** Brings points in to stay. @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory` */
  placePoints(
    group: Group,
    bytes: Uint8Array,
    { form = 'file' }: { readonly form?: NumberForm } = {},
  ): Sliced<PointSet> {
    return PointSet.place(this.#parts, group, bytes, form)
  }

  /** Brings plain scalars in to stay. @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory` */
  placeScalars(bytes: Uint8Array): Sliced<ScalarSet> {
    return ScalarSet.place(this.#parts, bytes)
  }

  /**
   * The sum of scalars times points of this kernel: point `i` belongs to scalar `offset + i`.
   * @throws CodexError `field/wrong-size` or `field/out-of-memory`
   */
  sumOfProducts(points: PointSet, scalars: ScalarSet, options: SumOptions = {}): Sliced<Uint8Array> {
    return sumOfProducts(this.#parts, points, scalars, options)
  }

  /** Tables for multiples of one point. @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory` */
  placeBase(
    group: Group,
    point: Uint8Array,
    { form = 'plain', expected }: { readonly form?: NumberForm; readonly expected: number },
  ): Sliced<FixedBase> {
    return FixedBase.place(this.#parts, group, point, { form, expected })
  }

  /**
   * The number-theoretic transform of plain numbers, a power of two of them up to 2^20: from coefficients to the values at the powers of
   * a root of unity, both in order, or with `inverse` back. Its table of roots stays.
   * @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory`
   */
  transform(bytes: Uint8Array, { inverse = false }: { readonly inverse?: boolean } = {}): Sliced<Uint8Array> {
    return transform(this.#parts, this.#roots, bytes, inverse)
  }

  /**
   * Brings the coefficients of a key in to stay, its section 4 as it lies in the file.
   * @throws CodexError `field/wrong-size`, `field/not-a-coefficient`, `field/not-an-element` or `field/out-of-memory`
   */
  placeCoefficients(section: Uint8Array, shape: KeyShape): Sliced<Coefficients> {
    return Coefficients.place(this.#parts, this.#roots, section, shape)
  }

  /**
   * The scalars of a key's section 9 for a witness of plain numbers; resident.
   * @throws CodexError `field/wrong-size`, `field/not-an-element` or `field/out-of-memory`
   */
  quotient(coefficients: Coefficients, witness: Uint8Array): Sliced<ScalarSet> {
    return coefficients.quotient(witness)
  }
}
