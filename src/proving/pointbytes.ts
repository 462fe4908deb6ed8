// Points as files and kernels hold them: affine coordinates in Montgomery form, little-endian, all zero for infinity.

import { bn254 } from '@noble/curves/bn254.js'

import { BASE_ORDER, ELEMENT_BYTES, inverse, MONTGOMERY_FACTOR, readNumber, viewOf, writeNumber } from './bn254.ts'
import type { G1Point, G2Point } from './checkedpoint.ts'

/** Undefined stands for infinity. */
export type Affine<T> = { readonly x: T; readonly y: T } | undefined

export interface Fp2 {
  readonly c0: bigint
  readonly c1: bigint
}

const FACTOR = MONTGOMERY_FACTOR % BASE_ORDER
const UNFACTOR = inverse(FACTOR, BASE_ORDER)

/** Writes 64 bytes at `at`. */
export function writeG1(point: Affine<bigint>, to: Uint8Array, at = 0): void {
  writeElements(point === undefined ? [0n, 0n] : [point.x, point.y], to, at)
}

/** Writes 128 bytes at `at`, the real part of each coordinate first. */
export function writeG2(point: Affine<Fp2>, to: Uint8Array, at = 0): void {
  writeElements(point === undefined ? [0n, 0n, 0n, 0n] : [point.x.c0, point.x.c1, point.y.c0, point.y.c1], to, at)
}

/** Reads 64 bytes at `at`. Undefined where the coordinates are not below the field's order; whether it is on the curve is another matter. */
export function readG1(from: Uint8Array, at = 0): G1Point | undefined {
  const [x, y] = readElements(from, at, 2)
  if (x === undefined || y === undefined) return undefined
  return x === 0n && y === 0n ? bn254.G1.Point.ZERO : bn254.G1.Point.fromAffine({ x, y })
}

/** The same for the 128 bytes of a point of G2. */
export function readG2(from: Uint8Array, at = 0): G2Point | undefined {
  const [x0, x1, y0, y1] = readElements(from, at, 4)
  if (x0 === undefined || x1 === undefined || y0 === undefined || y1 === undefined) return undefined
  if (x0 === 0n && x1 === 0n && y0 === 0n && y1 === 0n) return bn254.G2.Point.ZERO
  return bn254.G2.Point.fromAffine({ x: { c0: x0, c1: x1 }, y: { c0: y0, c1: y1 } })
}

function writeElements(elements: readonly bigint[], to: Uint8Array, at: number): void {
  const view = viewOf(to)
  elements.forEach((element, i) => writeNumber(view, at + ELEMENT_BYTES * i, (element * FACTOR) % BASE_ORDER))
}

function readElements(from: Uint8Array, at: number, count: number): readonly (bigint | undefined)[] {
  const view = viewOf(from)
  return Array.from({ length: count }, (_, i) => {
    const element = readNumber(view, at + ELEMENT_BYTES * i)
    return element < BASE_ORDER ? (element * UNFACTOR) % BASE_ORDER : undefined
  })
}
