// How answers and errors look while they cross threads: plain data, because structured cloning strips an error of code, detail and cause.

import { CodexError } from '../lib/errors.ts'
import type { ErrorDetail } from '../lib/errors.ts'

export type Envelope<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: WireError }

/** An error as plain data; `code` and `detail` where it was a `CodexError`. */
export interface WireError {
  readonly name: string
  readonly message: string
  readonly stack: string
  readonly code?: string
  readonly detail?: ErrorDetail
  readonly cause?: WireError
}

/** Causes beyond this depth are left behind: a cycle must not run for ever. */
export const MAX_CAUSE_DEPTH = 8

/** Longest stack text that is carried across, in UTF-16 units. */
export const MAX_STACK_LENGTH = 8192

/** Any thrown value as data that every thread can clone. Never throws. */
export function packError(error: unknown, depth = 0): WireError {
  if (!(error instanceof Error)) return { name: 'unknown', message: textOf(error), stack: '' }
  const cause = error.cause === undefined || depth >= MAX_CAUSE_DEPTH ? undefined : packError(error.cause, depth + 1)
  return {
    name: textOf(error.name),
    message: textOf(error.message),
    stack: textOf(error.stack ?? '').slice(0, MAX_STACK_LENGTH),
    ...(CodexError.is(error) ? { code: error.code, detail: plainDetail(error.detail) } : {}),
    ...(cause === undefined ? {} : { cause }),
  }
}

/** The `CodexError` that stands for `wire` on the calling side; what was none becomes `worker/failed`, its stack text in the detail. */
export function unpackError(wire: WireError): CodexError {
  if (wire.code !== undefined) return unpackCodexError(wire.code, wire)
  return new CodexError('worker/failed', `work in a worker failed unexpectedly with ${wire.name}: ${wire.message}`, {
    detail: { name: wire.name, message: wire.message, stack: wire.stack },
    cause: unpackCause(wire.cause),
  })
}

function unpackCodexError(code: string, wire: WireError): CodexError {
  const error = new CodexError(code, wire.message, { detail: wire.detail ?? {}, cause: unpackCause(wire.cause) })
  error.stack = wire.stack
  return error
}

function unpackCause(wire: WireError | undefined): Error | undefined {
  if (wire === undefined) return undefined
  if (wire.code !== undefined) return unpackCodexError(wire.code, wire)
  const error = new Error(wire.message, { cause: unpackCause(wire.cause) })
  error.name = wire.name
  error.stack = wire.stack
  return error
}

/** Keeps what the type promises, whatever was really put in: a function in a detail would make the whole answer uncloneable. */
function plainDetail(detail: ErrorDetail): ErrorDetail {
  return Object.fromEntries(
    Object.entries(detail).map(([name, value]: [string, unknown]) => [name, isPlain(value) ? value : textOf(value)]),
  )
}

function isPlain(value: unknown): value is ErrorDetail[string] {
  return value === null || ['string', 'number', 'bigint', 'boolean', 'undefined'].includes(typeof value)
}

function textOf(value: unknown): string {
  try {
    return String(value)
  } catch {
    return 'a value without text'
  }
}
