// Shapes of JSON documents: each reads a value from outside, checked and bounded, and says as JSON Schema what it takes. So what is documented is what is
// checked. Which documents there are is in marketdocuments.ts.

import { describeValue } from '../lib/describevalue.ts'
import { CodexError, type ErrorDetail } from '../lib/errors.ts'

export interface Shape<T> {
  /** JSON Schema 2020-12, as OpenAPI 3.1 has it. */
  readonly schema: Readonly<Record<string, unknown>>
  /** @param field where it stands, for errors: `ask.slots` @throws CodexError `rest/bad-field`, its detail names the field */
  read(value: unknown, field: string): T
}

/** What a shape reads. */
export type Shaped<S> = S extends Shape<infer T> ? T : never

const MAX_DIGITS = 78
const MAX_TEXT = 4096
const HEX = /^0x[0-9a-f]{1,64}$/i
const MAX_UINT256 = 2n ** 256n - 1n
const MAX_INT64 = 2n ** 63n - 1n
const MAX_UINT64 = 2n ** 64n - 1n

/** Up to 64 bits, as a JSON number, or as decimal digits where a number cannot say it. Unset is 0, as in the reference, and an empty text too. */
export const uint64: Shape<bigint> = {
  schema: { type: ['integer', 'string'], minimum: 0, pattern: '^[0-9]{1,20}$' },
  read: (value, field) => whole(value, field, 0n, MAX_UINT64),
}

/** 64 bits with a sign. */
export const int64: Shape<bigint> = {
  schema: { type: ['integer', 'string'], pattern: '^-?[0-9]{1,19}$' },
  read: (value, field) => whole(value, field, -MAX_INT64, MAX_INT64),
}

/** Up to 256 bits, as decimal digits or `0x` and hex digits; a JSON number while it is exact. */
export const uint256: Shape<bigint> = {
  schema: { type: ['string', 'integer'], pattern: `^([0-9]{1,${MAX_DIGITS}}|0x[0-9a-fA-F]{1,64})$`, minimum: 0 },
  read: (value, field) =>
    whole(typeof value === 'string' && HEX.test(value) ? String(BigInt(value)) : value, field, 0n, MAX_UINT256),
}

/** A whole number that JavaScript holds exactly: instants, counts, bytes. */
export const count: Shape<number> = {
  schema: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
  read(value, field) {
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    throw badField(field, 'a whole number from 0 on', value)
  },
}

export const flag: Shape<boolean> = {
  schema: { type: 'boolean' },
  read(value, field) {
    if (typeof value === 'boolean') return value
    throw badField(field, 'true or false', value)
  },
}

export const text: Shape<string> = {
  schema: { type: 'string', maxLength: MAX_TEXT },
  read(value, field) {
    if (typeof value === 'string' && value.length <= MAX_TEXT) return value
    throw badField(field, `a text of at most ${MAX_TEXT} characters`, value)
  },
}

/** Whatever fits `pattern`. @param expected for people */
export function textLike(pattern: RegExp, expected: string): Shape<string> {
  return {
    schema: { type: 'string', pattern: pattern.source, description: expected },
    read(value, field) {
      if (typeof value === 'string' && value.length <= MAX_TEXT && pattern.test(value)) return value
      throw badField(field, expected, value)
    },
  }
}

/** `0x` and the hex digits of 32 bytes. */
export const id32 = textLike(/^0x[0-9a-f]{64}$/, "'0x' and 64 lower-case hex digits")

export function oneOf<const T extends string>(words: readonly T[]): Shape<T> {
  return {
    schema: { type: 'string', enum: words },
    read(value, field) {
      const found = words.find((word) => word === value)
      if (found !== undefined) return found
      throw badField(field, `one of ${words.join(', ')}`, value)
    },
  }
}

export function list<T>(item: Shape<T>, maxItems: number): Shape<readonly T[]> {
  return {
    schema: { type: 'array', items: item.schema, maxItems },
    read(value, field) {
      if (Array.isArray(value) && value.length <= maxItems)
        return value.map((each, i) => item.read(each, `${field}[${i}]`))
      throw badField(field, `a list of at most ${maxItems}`, value)
    },
  }
}

/** `null`, where there is none. */
export function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    schema: { anyOf: [shape.schema, { type: 'null' }] },
    read: (value, field) => (value === null ? null : shape.read(value, field)),
  }
}

/** A field that may be left out; `null` and an empty text count as left out. */
export interface OptionalShape<T> extends Shape<T> {
  readonly isOptional: true
}

export function optional<T>(shape: Shape<T>): OptionalShape<T | undefined> {
  return {
    isOptional: true,
    schema: shape.schema,
    read: (value, field) => (isUnset(value) ? undefined : shape.read(value, field)),
  }
}

/** Reads as `fallback` where it is left out. */
export function defaulted<T extends bigint | number | boolean>(shape: Shape<T>, fallback: T): OptionalShape<T> {
  return {
    isOptional: true,
    schema: { ...shape.schema, default: typeof fallback === 'bigint' ? Number(fallback) : fallback },
    read: (value, field) => (isUnset(value) ? fallback : shape.read(value, field)),
  }
}

/** An empty text is none, as the reference reads it. */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null || value === ''
}

type Fields = Readonly<Record<string, Shape<unknown>>>
export type ShapedFields<F extends Fields> = { readonly [Name in keyof F]: Shaped<F[Name]> }

/** An object of these fields. Others are ignored where `isOpen`, else refused by name. */
export function object<F extends Fields>(
  fields: F,
  { isOpen = true }: { readonly isOpen?: boolean } = {},
): Shape<ShapedFields<F>> {
  const names = Object.keys(fields)
  const required = names.filter((name) => !('isOptional' in (fields[name] ?? {})))
  return {
    schema: {
      type: 'object',
      properties: Object.fromEntries(names.map((name) => [name, fields[name]?.schema])),
      required,
      ...(isOpen ? {} : { additionalProperties: false }),
    },
    read(value, field) {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw badField(field === '' ? 'body' : field, 'an object', value)
      const given = value as Readonly<Record<string, unknown>>
      const within = (name: string): string => (field === '' ? name : `${field}.${name}`)
      const surplus = isOpen ? undefined : Object.keys(given).find((name) => !Object.hasOwn(fields, name))
      if (surplus !== undefined) throw badField(within(surplus.slice(0, 80)), `one of ${names.join(', ')}`, surplus)
      return Object.fromEntries(
        Object.entries(fields).map(([name, shape]) => [
          name,
          shape.read(Object.hasOwn(given, name) ? given[name] : undefined, within(name)),
        ]),
      ) as ShapedFields<F>
    },
  }
}

export function badField(
  field: string,
  expected: string,
  found: unknown,
  detail: ErrorDetail = {},
): CodexError<'rest/bad-field'> {
  return new CodexError('rest/bad-field', `${field}: expected ${expected}, found ${describeValue(found)}`, {
    detail: { field, ...detail },
  })
}

function whole(value: unknown, field: string, least: bigint, most: bigint): bigint {
  const number = exact(value)
  if (number !== undefined && number >= least && number <= most) return number
  throw badField(field, `a whole number from ${least} to ${most}`, value, { isOutOfRange: number !== undefined })
}

function exact(value: unknown): bigint | undefined {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  if (typeof value !== 'string') return undefined
  return new RegExp(`^-?\\d{1,${MAX_DIGITS}}$`).test(value) ? BigInt(value) : undefined
}
