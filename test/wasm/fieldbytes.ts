// Numbers and points of the field kernel's tests as bytes, random ones included. It computes nothing in a field.

import { ORDER_R, type TwinPoint } from '../../wasm/field/fieldtwin.ts'
import type { Group } from '../../wasm/field/kernelexports.ts'

export function numberBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 255n))
}

export function numbersBytes(values: readonly bigint[]): Uint8Array {
  const bytes = new Uint8Array(32 * values.length)
  values.forEach((value, i) => bytes.set(numberBytes(value), 32 * i))
  return bytes
}

export function numbersOf(bytes: Uint8Array): bigint[] {
  return Array.from({ length: bytes.length / 32 }, (_, i) =>
    bytes.subarray(32 * i, 32 * i + 32).reduceRight((value, byte) => value * 256n + BigInt(byte), 0n),
  )
}

export function pointsBytes(group: Group, points: readonly TwinPoint[]): Uint8Array {
  const nothing = Array<bigint>(2 * group).fill(0n)
  return numbersBytes(points.flatMap((point) => (point === undefined ? nothing : [...point.x, ...point.y])))
}

export function pointsOf(group: Group, bytes: Uint8Array): TwinPoint[] {
  const numbers = numbersOf(bytes)
  return Array.from({ length: numbers.length / (2 * group) }, (_, i) => {
    const [a = 0n, b = 0n, c = 0n, d = 0n] = numbers.slice(2 * group * i, 2 * group * (i + 1))
    if (a === 0n && b === 0n && c === 0n && d === 0n) return undefined
    return group === 1 ? { x: [a], y: [b] } : { x: [a, b], y: [c, d] }
  })
}

/** Scalars that look random, the same for the same seed. */
export function manyScalars(count: number, seed: bigint): bigint[] {
  let state = seed + 0x9e3779b97f4a7c15n
  return Array.from({ length: count }, () => {
    state = (state * state + 0x2545f4914f6cdd1dn) % ORDER_R
    return state
  })
}
