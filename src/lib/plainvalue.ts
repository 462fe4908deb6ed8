// Turns anything into plain data that JSON and a thread boundary take, bounded in size and without secrets. Made for logs and reports:
// it loses information on purpose and is no codec.

import { isBytes, toHex } from './bytes.ts'
import { looksLikeKey, REDACTED, redactText, secrecyOf } from './redact.ts'

export type PlainValue = string | number | boolean | null | readonly PlainValue[] | PlainObject
export interface PlainObject {
  readonly [name: string]: PlainValue
}

/** Texts are cut here. */
export const MAX_PLAIN_TEXT = 4096
/** Bytes are shown up to here. */
export const MAX_PLAIN_BYTES = 64
/** How deep objects, lists and causes are followed. */
export const MAX_PLAIN_DEPTH = 8
/** How many values one call shows in all. */
export const MAX_PLAIN_VALUES = 1000

/** A secret that the cut would halve must be recognised first. */
const CUT_MARGIN = 1024

/**
 * bigint -> decimal text, bytes -> hex text, Error -> its code, message, detail and causes, Map and Set -> object and list, an object
 * with a text form of its own (a CID, a URL) -> that text. What is too deep, too much, circular or unreadable is named in brackets.
 * Values under secret names ({@link secrecyOf}) become {@link REDACTED} at any depth. Never throws.
 */
export function plainValue(value: unknown): PlainValue {
  return new Walk().value(value, 0, false) ?? null
}

/** As {@link plainValue} for named fields; undefined ones are left out. */
export function plainFields(fields: Readonly<Record<string, unknown>>): PlainObject {
  return new Walk().fields(fields, 0, false)
}

class Walk {
  #left = MAX_PLAIN_VALUES
  readonly #path = new Set<object>()

  /** `guarded`: texts that look like a key are secret here. Undefined means leave it out. */
  value(value: unknown, depth: number, guarded: boolean): PlainValue | undefined {
    if (value === undefined) return undefined
    if (this.#left-- <= 0) return '[more]'
    switch (typeof value) {
      case 'string':
        return guarded && looksLikeKey(value) ? REDACTED : plainText(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
        return value
      case 'bigint':
        return guarded && value >= 2n ** 128n ? REDACTED : value.toString()
      case 'object':
        return value === null ? null : this.#object(value, depth, guarded)
      default:
        return `[${typeof value}]`
    }
  }

  fields(fields: object, depth: number, guarded: boolean): PlainObject {
    const names = Object.keys(fields)
    const shown: [string, PlainValue][] = []
    for (const [at, name] of names.entries()) {
      if (this.#left <= 0) {
        shown.push(['[more]', names.length - at])
        break
      }
      const value = this.#field(fields, name, depth, guarded)
      if (value !== undefined) shown.push([plainText(name), value])
    }
    return Object.fromEntries(shown)
  }

  #object(value: object, depth: number, guarded: boolean): PlainValue {
    if (this.#path.has(value)) return '[circular]'
    if (depth >= MAX_PLAIN_DEPTH) return '[deep]'
    this.#path.add(value)
    try {
      return this.#contents(value, depth + 1, guarded)
    } catch {
      // A getter, a proxy or a toString that throws: a log line must not.
      return '[unreadable]'
    } finally {
      this.#path.delete(value)
    }
  }

  #contents(value: object, depth: number, guarded: boolean): PlainValue {
    if (isBytes(value)) return guarded && value.length === 32 ? REDACTED : plainBytes(value)
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
    if (value instanceof Error) return this.#error(value, depth)
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
    if (Array.isArray(value) || value instanceof Set) return this.#list(value, depth, guarded)
    if (value instanceof Map) return this.fields(namedEntries(value), depth, guarded)
    const { toString } = value as { readonly toString?: unknown }
    if (typeof toString === 'function' && toString !== Object.prototype.toString)
      return plainText(String(toString.call(value)))
    return this.fields(value, depth, guarded)
  }

  #list(items: Iterable<unknown>, depth: number, guarded: boolean): PlainValue[] {
    const list: PlainValue[] = []
    for (const item of items) {
      if (this.#left <= 0) {
        list.push('[more]')
        break
      }
      list.push(this.value(item, depth, guarded) ?? null)
    }
    return list
  }

  #field(owner: object, name: string, depth: number, guarded: boolean): PlainValue | undefined {
    const secrecy = secrecyOf(name)
    let value: unknown
    try {
      value = (owner as Record<string, unknown>)[name]
    } catch {
      return '[unreadable]'
    }
    // Whether a secret is there at all is worth knowing and gives nothing away.
    const tells = value !== undefined && value !== null && value !== '' && typeof value !== 'boolean'
    if (secrecy === 'secret' && tells) return REDACTED
    return this.value(value, depth, guarded || secrecy === 'guarded')
  }

  /** Our own errors say where they come from by their code; others are told with their stack. */
  #error(error: Error, depth: number): PlainObject {
    const { code, detail, errors } = error as {
      readonly code?: unknown
      readonly detail?: unknown
      readonly errors?: unknown
    }
    const ours = error.name === 'CodexError'
    return this.fields(
      {
        name: ours ? undefined : error.name,
        code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
        message: error.message,
        detail: isEmpty(detail) ? undefined : detail,
        errors,
        cause: error.cause,
        stack: ours ? undefined : error.stack,
      },
      depth,
      false,
    )
  }
}

/** A text without the secrets that can be told in it, cut at {@link MAX_PLAIN_TEXT}. */
export function plainText(text: string): string {
  const clean = redactText(text.slice(0, MAX_PLAIN_TEXT + CUT_MARGIN))
  return text.length <= MAX_PLAIN_TEXT ? clean : `${clean.slice(0, MAX_PLAIN_TEXT)}[${text.length} characters]`
}

function plainBytes(bytes: Uint8Array): string {
  const hex = `0x${toHex(bytes.subarray(0, MAX_PLAIN_BYTES))}`
  return bytes.length <= MAX_PLAIN_BYTES ? hex : `${hex}[${bytes.length} bytes]`
}

function namedEntries(map: ReadonlyMap<unknown, unknown>): object {
  return Object.fromEntries(
    Array.from(map)
      .slice(0, MAX_PLAIN_VALUES)
      .map(([key, value]) => [String(key), value]),
  )
}

function isEmpty(detail: unknown): boolean {
  return typeof detail !== 'object' || detail === null || Object.keys(detail).length === 0
}
