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

/** What no number of 256 bits needs more of. */
const MAX_DIGITS = 78

/** What has the form of a point, whether it is one or not: its coordinates as numbers. */
export type G1Form = readonly [bigint, bigint, bigint]
export type G2Form = readonly [Fp2Form, Fp2Form, Fp2Form]
type Fp2Form = readonly [bigint, bigint]

/** Where an error about a part of a JSON document comes from. */
export interface JsonField {
  readonly code: string
  /** The part's name: `pi_a`, `IC[2]`. */
  readonly name: string
}

/** @throws CodexError of `field.code` where it is no list of three decimal texts */
export function formOfG1(value: unknown, field: JsonField): G1Form {
  const [x, y, z] = list(value, 3, field)
  return [decimal(x, field), decimal(y, field), decimal(z, field)]
}

/** @throws CodexError of `field.code` where it is no list of three pairs of decimal texts */
export function formOfG2(value: unknown, field: JsonField): G2Form {
  const [x, y, z] = list(value, 3, field)
  return [pair(x, field), pair(y, field), pair(z, field)]
}

/** Undefined where a coordinate is not below the order, and for infinity and whatever is off the curve. */
export function pointOfG1([x, y, z]: G1Form): G1Point | undefined {
  if (z !== 1n || x >= BASE_ORDER || y >= BASE_ORDER) return undefined
  const point = bn254.G1.Point.fromAffine({ x, y })
  return isGroupPoint(point) ? point : undefined
}

/** The same for G2; there the subgroup is checked too. */
export function pointOfG2([x, y, z]: G2Form): G2Point | undefined {
  if (z[0] !== 1n || z[1] !== 0n || [...x, ...y].some((part) => part >= BASE_ORDER)) return undefined
  const point = bn254.G2.Point.fromAffine({ x: { c0: x[0], c1: x[1] }, y: { c0: y[0], c1: y[1] } })
  return isGroupPoint(point) ? point : undefined
}

/** A point of G1 that is not infinity. @throws CodexError of `field.code` */
export function checkedG1(value: unknown, field: JsonField): G1Point {
  return found(pointOfG1(formOfG1(value, field)), field)
}

/** The same for G2. @throws CodexError of `field.code` */
export function checkedG2(value: unknown, field: JsonField): G2Point {
  return found(pointOfG2(formOfG2(value, field)), field)
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

/** @throws CodexError of `field.code` where it is no decimal text of a number, has leading zeros, or very many digits */
export function decimal(value: unknown, field: JsonField): bigint {
  if (typeof value === 'string' && value.length <= MAX_DIGITS && /^(0|[1-9][0-9]*)$/.test(value)) return BigInt(value)
  throw badField(field, `a decimal text of at most ${MAX_DIGITS} digits`, describeValue(value))
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

export function badPoint(field: JsonField): CodexError {
  return badField(
    field,
    'a point of the group, its last coordinate 1',
    'one that is infinity, beyond the field, off the curve or outside the subgroup',
  )
}

export function badField({ code, name }: JsonField, expected: string, found: string): CodexError {
  return new CodexError(code, `${name}: expected ${expected}, found ${found}`, {
    detail: { field: name, expected, found },
  })
}

function pair(value: unknown, field: JsonField): Fp2Form {
  const [c0, c1] = list(value, 2, field)
  return [decimal(c0, field), decimal(c1, field)]
}

function found<Point extends G1Point | G2Point>(point: Point | undefined, field: JsonField): Point {
  if (point !== undefined) return point
  throw badPoint(field)
}
