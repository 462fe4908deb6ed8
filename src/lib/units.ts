// Names for the units that numbers carry. Sizes are whole bytes below 2^53, times whole seconds as the chain counts them.

import { CodexError } from './errors.ts'

/** A size in bytes: a non-negative safe integer. */
export type Bytes = number

/** An instant (since 1970) or a span: whole seconds, chain time. */
export type Seconds = number

export const KiB = 1024
export const MiB = 1024 * KiB
export const GiB = 1024 * MiB

/** Checks an amount of bytes from outside. @throws CodexError `units/not-a-size` */
export function checkedBytes(value: number, what: string): Bytes {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new CodexError(
    'units/not-a-size',
    `${what} must be a whole number of bytes from 0 to 2^53 - 1, found ${value}`,
    {
      detail: { what, found: value },
    },
  )
}
