// Points as decimal texts of their coordinates, the way snarkjs writes JSON, checked and turned into points of the curve.

import { bn254 } from '@noble/curves/bn254.js'

import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { BASE_ORDER } from './bn254.ts'

export type G1Point = InstanceType<typeof bn254.G1.Point>
export type G2Point = InstanceType<typeof bn254.G2.Point>

/** `[x, y, '1']`, each a decimal text. */
export type G1Json = readonly [string, string, string]
/** `[[x.c0, x.c1], [y.c0, y.c1], ['1', '0']]`: the real part first. */
export type G2Json = readonly [readonly [string, string], readonly [string, string], readonly [string, string]]

/** Digits of the largest coordinate. */
const MAX_DIGITS = 77

/** Where an error about a part of a JSON document comes from. */
export interface JsonField {
  readonly code: string
  /** The part's name: `pi_a`, `IC[2]`. */
  readonly name: string
}

/**
 * A point of G1 that is not infinity.
 * @throws CodexError of `field.code` where it is of another shape, a coordinate is not below the order, or it is off the curve
 */
export function checkedG1(value: unknown, field: JsonField): G1Point {
  const [x, y, z] = list(value, 3, field)
  if (z !== '1') throw badField(field, "'1' as third coordinate, for a point that is not infinity", describeValue(z))
  const point = bn254.G1.Point.fromAffine({ x: coordinate(x, field), y: coordinate(y, field) })
  return checkedPoint(point, field)
}

/** The same for G2; there the subgroup is checked too. @throws CodexError of `field.code` */
export function checkedG2(value: unknown, field: JsonField): G2Point {
  const [x, y, z] = list(value, 3, field)
  const [real, imaginary] = list(z, 2, field)
  if (real !== '1' || imaginary !== '0')
    throw badField(field, "['1', '0'] as third coordinate, for a point that is not infinity", describeValue(z))
  return checkedPoint(bn254.G2.Point.fromAffine({ x: pair(x, field), y: pair(y, field) }), field)
}

/** Whether it lies on its curve and in the subgroup, and is not infinity, which no key or proof has. */
export function isGroupPoint(point: G1Point | G2Point): boolean {
  try {
    // Takes infinity for valid.
    point.assertValidity()
    return !point.is0()
  } catch {
    return false
  }
}

export function jsonOfG1(point: G1Point): G1Json {
  const { x, y } = point.toAffine()
  return [String(x), String(y), '1']
}

export function jsonOfG2(point: G2Point): G2Json {
  const { x, y } = point.toAffine()
  return [
    [String(x.c0), String(x.c1)],
    [String(y.c0), String(y.c1)],
    ['1', '0'],
  ]
}

/** @throws CodexError of `field.code` where it is no decimal text of a number below `order`, or has leading zeros */
export function checkedDecimal(value: unknown, order: bigint, field: JsonField): bigint {
  const isDecimal = typeof value === 'string' && value.length <= MAX_DIGITS && /^(0|[1-9][0-9]*)$/.test(value)
  const number = isDecimal ? BigInt(value) : order
  if (number < order) return number
  throw badField(field, 'a decimal text of a number below the field order', describeValue(value))
}

/** The fields of a JSON object that says it is of Groth16 over BN254. @throws CodexError of `code` where it does not */
export function groth16Fields(value: unknown, { code, name }: JsonField): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw badField({ code, name }, 'an object', describeValue(value))
  const fields = value as Record<string, unknown>
  for (const [label, expected] of Object.entries({ protocol: 'groth16', curve: 'bn128' }))
    if (fields[label] !== expected)
      throw badField({ code, name: label }, JSON.stringify(expected), describeValue(fields[label]))
  return fields
}

/** An array of exactly `length`. @throws CodexError of `field.code` */
export function list(value: unknown, length: number, field: JsonField): readonly unknown[] {
  if (Array.isArray(value) && value.length === length) return value as readonly unknown[]
  const found = Array.isArray(value) ? `an array of ${value.length}` : describeValue(value)
  throw badField(field, `an array of ${length}`, found)
}

export function badField({ code, name }: JsonField, expected: string, found: string): CodexError {
  return new CodexError(code, `${name}: expected ${expected}, found ${found}`, {
    detail: { field: name, expected, found },
  })
}

function coordinate(value: unknown, field: JsonField): bigint {
  return checkedDecimal(value, BASE_ORDER, field)
}

function pair(value: unknown, field: JsonField): { c0: bigint; c1: bigint } {
  const [c0, c1] = list(value, 2, field)
  return { c0: coordinate(c0, field), c1: coordinate(c1, field) }
}

function checkedPoint<Point extends G1Point | G2Point>(point: Point, field: JsonField): Point {
  if (isGroupPoint(point)) return point
  throw badField(field, 'a point of the group', 'one that is infinity, off the curve or outside the subgroup')
}
