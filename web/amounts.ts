// Prices and amounts of the marketplace as people read and write them, without a rounding that nobody is told of.

import { CodexError } from '../src/lib/errors.ts'

const DECIMALS = 18
const GIB = 1n << 30n
/** Thirty days. */
const MONTH_SECONDS = 2_592_000n
const MAX_TEXT = 60
/** From here on whole tokens say more than base units. */
const TOKENS_FROM = 10n ** 15n

/** Token base units for people: exact, in tokens where there are many. */
export function formatAmount(wei: bigint): string {
  return wei >= TOKENS_FROM || wei <= -TOKENS_FROM ? `${toTokens(wei)} tokens` : formatWei(wei)
}

/** As the chain counts: exact. */
export function formatWei(wei: bigint): string {
  return `${grouped(String(wei))} wei`
}

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

/** Exact: every decimal, no zeros behind. */
export function toTokens(wei: bigint): string {
  const sign = wei < 0n ? '-' : ''
  const digits = String(wei < 0n ? -wei : wei).padStart(DECIMALS + 1, '0')
  const fraction = digits.slice(-DECIMALS).replace(/0+$/, '')
  return `${sign}${grouped(digits.slice(0, -DECIMALS))}${fraction === '' ? '' : `.${fraction}`}`
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

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+$)/g, '\u202f')
}
