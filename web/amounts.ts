// Prices and amounts of the marketplace as people read and write them, without a rounding that nobody is told of.

import { CodexError } from '../src/lib/errors.ts'
import { toTokens } from '../src/lib/formatamount.ts'

const DECIMALS = 18
const GIB = 1n << 30n
/** Thirty days. */
const MONTH_SECONDS = 2_592_000n
const MAX_TEXT = 60

/** Collateral per GiB, of one per byte. Exact. */
export function perGib(weiPerByte: bigint): bigint {
  return weiPerByte * GIB
}

/** The least whole collateral per byte that is no less than asked for. */
export function perByte(weiPerGib: bigint): bigint {
  return (weiPerGib + GIB - 1n) / GIB
}

/** Token base units per GiB and month (30 days), of a price per byte and second. Exact. */
export function perGibMonth(weiPerByteSecond: bigint): bigint {
  return weiPerByteSecond * GIB * MONTH_SECONDS
}

/** The least whole price per byte and second that brings in no less than asked for. */
export function perByteSecond(weiPerGibMonth: bigint): bigint {
  const unit = GIB * MONTH_SECONDS
  return (weiPerGibMonth + unit - 1n) / unit
}

/** As {@link toTokens}, the way {@link parseTokens} reads it. */
export function plainTokens(wei: bigint): string {
  return toTokens(wei).replace(/\u202f/g, '')
}

/** @throws CodexError `page/not-an-amount` */
export function parseTokens(text: string): bigint {
  const [, whole = '', fraction = ''] = /^(\d+)(?:\.(\d*))?$/.exec(text.length <= MAX_TEXT ? text.trim() : '') ?? []
  if (whole === '' || fraction.length > DECIMALS)
    throw new CodexError(
      'page/not-an-amount',
      `expected an amount of tokens such as 2 or 0.0028, with at most ${DECIMALS} decimals`,
    )
  return BigInt(whole + fraction.padEnd(DECIMALS, '0'))
}
