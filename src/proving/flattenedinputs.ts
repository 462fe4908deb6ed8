// A circuit's inputs as flat lists of elements, checked: names, shapes, ranges. It does not know what they mean.

import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { SCALAR_ORDER } from './bn254.ts'

/** An element (a `bigint`, a safe integer, or a decimal text) or an array of such, nested as the circuit's signal is. */
export type InputValue = bigint | number | string | readonly InputValue[]

/** By name of the signal. */
export type CircuitInputs = Readonly<Record<string, InputValue>>

/** Nesting of arrays; circom knows no limit, people do. */
const MAX_DIMENSIONS = 8
const MAX_DIGITS = 77

/**
 * The elements of `value` in the order the circuit has them, rows one after the other.
 * @param size number of elements the circuit's signal has
 * @throws CodexError `proving/bad-input`, with the field: ragged, too deep, of another size, or an element that is none
 */
export function flattenedInput(name: string, value: unknown, size: number): readonly bigint[] {
  const elements: bigint[] = []
  flatten(name, value, [], size, elements)
  if (elements.length !== size)
    throw badInput(name, `${size} element${size === 1 ? '' : 's'} in all`, `${elements.length}`)
  return elements
}

/** Returns the shape below `value`, so that rows of different shapes are found. Stops once there is more than `size`. */
function flatten(name: string, value: unknown, path: readonly number[], size: number, into: bigint[]): string {
  if (!Array.isArray(value)) {
    if (into.length === size) throw badInput(name, `${size} element${size === 1 ? '' : 's'} in all`, 'more')
    into.push(checkedElement(name + path.map((i) => `[${i}]`).join(''), value))
    return ''
  }
  if (path.length === MAX_DIMENSIONS) throw badInput(name, `at most ${MAX_DIMENSIONS} dimensions`, 'more')
  if (value.length === 0) throw badInput(name, 'no empty arrays', 'one')
  let shape: string | undefined
  for (const [i, item] of (value as readonly unknown[]).entries()) {
    const below = flatten(name, item, [...path, i], size, into)
    shape ??= below
    if (below !== shape)
      throw badInput(name, `rows of one shape`, `${shape || 'an element'} and ${below || 'an element'}`)
  }
  return `[${value.length}]${shape ?? ''}`
}

function checkedElement(name: string, value: unknown): bigint {
  const element = toInteger(value)
  if (element !== undefined && element >= 0n && element < SCALAR_ORDER) return element
  throw badInput(name, 'a whole number from 0 to the order of the scalar field, exclusive', describeValue(value))
}

function toInteger(value: unknown): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  if (typeof value === 'string' && value.length <= MAX_DIGITS && /^[0-9]+$/.test(value)) return BigInt(value)
  return undefined
}

function badInput(name: string, expected: string, found: string): CodexError {
  return new CodexError('proving/bad-input', `input ${name}: expected ${expected}, found ${found}`, {
    detail: { field: name, expected, found },
  })
}
