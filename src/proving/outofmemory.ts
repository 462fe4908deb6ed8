// Memory that cannot be had, in words of what it was wanted for.

import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'

const WANTED_FOR = { zkey: 'proving key', wasm: 'circuit' } as const

export function outOfMemory(field: keyof typeof WANTED_FOR, cause: Error): CodexError<'proving/out-of-memory'> {
  const detail = CodexError.is(cause) ? cause.detail : {}
  return new CodexError(
    'proving/out-of-memory',
    `the ${WANTED_FOR[field]} needs more memory than there is: ${cause.message}; close other programs or tabs, or use fewer threads`,
    { detail: { ...detail, field }, cause },
  )
}

/** Zeros, in memory that threads share or in the caller's own. @throws CodexError `proving/out-of-memory` */
export function allocated(
  bytes: Bytes,
  { canShare, field }: { readonly canShare: boolean; readonly field: keyof typeof WANTED_FOR },
): Uint8Array {
  try {
    return new Uint8Array(canShare ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes))
  } catch (cause) {
    throw cause instanceof RangeError ? outOfMemory(field, cause) : cause
  }
}
