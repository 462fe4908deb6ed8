// Unsigned LEB128 numbers as CIDs and protobuf carry them, in their shortest form only. Knows nothing of fields.

import { CodexError } from '../lib/errors.ts'

/** A 64-bit number takes at most this many bytes. */
export const VARINT_MAX_BYTES = 10

/**
 * The value that starts at `at`, and where the next one begins. A value above 2^53 - 1 is reported as `Infinity`: it is well formed,
 * but nobody here can use it, so whoever needs the number must refuse it and whoever skips it need not care.
 * @param room prefix of the error codes, the format being read
 * @throws CodexError `<room>/truncated`, `<room>/not-canonical` (not the shortest form, or beyond 64 bits)
 */
export function readVarint(
  bytes: Uint8Array,
  at: number,
  room: string,
): { readonly value: number; readonly end: number } {
  // Most numbers on the wire are small.
  const first = bytes[at]
  if (first !== undefined && first < 0x80) return { value: first, end: at + 1 }
  let value = 0
  let weight = 1
  for (let end = at; end < at + VARINT_MAX_BYTES; end++) {
    const byte = bytes[end]
    if (byte === undefined)
      throw new CodexError(
        `${room}/truncated`,
        `expected the rest of a number at byte ${end}, found the end of the input`,
        {
          detail: { at: end },
        },
      )
    value += (byte & 0x7f) * weight
    weight *= 128
    if (byte >= 0x80) continue
    const isTenth = end - at === VARINT_MAX_BYTES - 1
    if ((byte === 0 && end > at) || (isTenth && byte > 1)) break
    return { value: Number.isSafeInteger(value) ? value : Infinity, end: end + 1 }
  }
  throw new CodexError(
    `${room}/not-canonical`,
    `expected a number in its shortest form at byte ${at}, found a longer one`,
    {
      detail: { at },
    },
  )
}

/** The bytes of a non-negative safe integer. */
export function encodeVarint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80)
  bytes.push(rest)
  return bytes
}
