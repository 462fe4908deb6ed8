// What the parts of the field kernel share: exports, heap, the ways of bytes in and out. It computes nothing itself.

import { CodexError } from '../../src/lib/errors.ts'
import type { Flag, Group, KernelExports } from './kernelexports.ts'
import type { KernelHeap } from './kernelheap.ts'

/** R: the scalar field, Fr. Q: the field of coordinates, Fq. */
export type FieldName = 'R' | 'Q'
/** `plain`: 32 little-endian bytes. `file`: the same of the number times 2^256, as the files of snarkjs have it. */
export type NumberForm = 'plain' | 'file'

export const NUMBER_BYTES = 32
export const ELEMENT_BYTES = 40
/** Numbers checked, or converted, in one slice or less: a millisecond. */
export const SLICE_NUMBERS = 1 << 15

export interface KernelParts {
  readonly exports: KernelExports
  readonly heap: KernelHeap
  readonly lanes: number
}

export function flag(condition: boolean): Flag {
  return condition ? 1 : 0
}

/** Of a point as bytes: x and y, in G2 of two numbers each. */
export function pointBytes(group: Group): number {
  return 2 * NUMBER_BYTES * group
}

/** Of a point in the kernel's memory. */
export function residentBytes(group: Group): number {
  return 2 * ELEMENT_BYTES * group
}

/** How many items of `size` bytes there are. @throws CodexError `field/wrong-size` */
export function countOf(bytes: Uint8Array, size: number, what: string): number {
  if (bytes.length % size === 0) return bytes.length / size
  throw new CodexError('field/wrong-size', `expected ${what} of ${size} bytes each, found ${bytes.length} bytes`, {
    detail: { length: bytes.length, size },
  })
}

/**
 * Checks that numbers in the kernel's memory are below the order of their field.
 * @param first index of the first of them, for the message
 * @throws CodexError `field/not-an-element`
 */
export function checkNumbers({ exports }: KernelParts, field: FieldName, at: number, count: number, first = 0): void {
  const found = exports.firstBeyond(at, count, flag(field === 'R'))
  if (found < 0) return
  const index = first + found
  throw new CodexError(
    'field/not-an-element',
    `expected numbers below the order of the field ${field}, found a larger one at index ${index}`,
    { detail: { field, index } },
  )
}

/** Lends areas for as long as `act` runs and takes them back however it ends. */
export function* lending<Result>(
  { heap }: KernelParts,
  sizes: readonly number[],
  act: (...addresses: number[]) => Generator<undefined, Result, void>,
): Generator<undefined, Result, void> {
  const addresses: number[] = []
  try {
    for (const size of sizes) addresses.push(heap.lend(size))
    return yield* act(...addresses)
  } finally {
    addresses.forEach((address) => heap.takeBack(address))
  }
}
