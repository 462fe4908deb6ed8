// Amounts of the marketplace as people write them: prices for a GiB and month, tokens, instants. Converted exactly; where a base unit cannot be cut, up.

import { CodexError } from '../lib/errors.ts'
import { formatInstant } from '../lib/format.ts'
import type { Seconds } from '../lib/units.ts'
import type { Option } from './option.ts'

/** A token is so many base units. */
const TOKEN_DECIMALS = 18n
const TOKEN = 10n ** TOKEN_DECIMALS
const GIB = 2n ** 30n
/** Bytes of it times seconds of a month of 30 days. */
const GIB_MONTH = GIB * 30n * 86_400n
const MAX_CHARS = 100

/** `10/GiB-month` (tokens), or base units for a byte and second. */
export function price(about: string): Option<bigint> {
  return {
    takes: 'PRICE',
    about: `${about}: 10/GiB-month (tokens; a month has 30 days; rounded up), or base units per byte and second`,
    read(given) {
      const tokens = /^(.+)\/gib-month$/i.exec(given.trim())?.[1]
      if (tokens === undefined) return wholeOf(given, 'a price such as 10/GiB-month, or whole base units')
      const perMonth = tokensIn(tokens)
      return (perMonth + GIB_MONTH - 1n) / GIB_MONTH
    },
    show: priceText,
  }
}

/** `2/GiB` (tokens), or base units for a byte. */
export function perByte(about: string): Option<bigint> {
  return {
    takes: 'AMOUNT',
    about: `${about}: 2/GiB (tokens; rounded up), or base units per byte`,
    read(given) {
      const tokens = /^(.+)\/gib$/i.exec(given.trim())?.[1]
      if (tokens === undefined) return wholeOf(given, 'an amount such as 2/GiB, or whole base units per byte')
      return (tokensIn(tokens) + GIB - 1n) / GIB
    },
    show: (value) => `${tokenText(value * GIB)}/GiB`,
  }
}

/** `1.5tokens`, or base units. */
export function tokens(about: string): Option<bigint> {
  return {
    takes: 'AMOUNT',
    about: `${about}: 1.5tokens, or base units`,
    read(given) {
      const found = /^(.+?)\s*tokens?$/i.exec(given.trim())?.[1]
      return found === undefined ? wholeOf(given, 'an amount such as 1.5tokens, or whole base units') : tokensIn(found)
    },
    show: tokenText,
  }
}

/** `2027-06-01T12:00:00Z`, or seconds since 1970; 0 for never. */
export function instant(about: string): Option<Seconds> {
  return {
    takes: 'INSTANT',
    about: `${about}: 2027-06-01T12:00:00Z, or seconds since 1970; 0 for none`,
    read(given) {
      if (/^\d{1,12}$/.test(given)) return Number(given)
      const isWhole = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(given)
      const milliseconds = isWhole ? Date.parse(given) : NaN
      if (Number.isFinite(milliseconds)) return Math.floor(milliseconds / 1000)
      throw bad('an instant such as 2027-06-01T12:00:00Z or 2027-06-01', given)
    },
    show: instantText,
  }
}

/** Exact: every base unit is a finite decimal of tokens. */
export function priceText(perByteSecond: bigint): string {
  return `${tokenText(perByteSecond * GIB_MONTH)}/GiB-month`
}

export function tokenText(baseUnits: bigint): string {
  const fraction = String(baseUnits % TOKEN)
    .padStart(Number(TOKEN_DECIMALS), '0')
    .replace(/0+$/, '')
  return `${baseUnits / TOKEN}${fraction === '' ? '' : `.${fraction}`} tokens`
}

export function instantText(at: Seconds): string {
  return at === 0 ? 'none' : formatInstant(at)
}

function tokensIn(given: string): bigint {
  const [, whole = '', fraction = ''] = /^(\d{1,60})(?:\.(\d{1,18}))?$/.exec(given.trim()) ?? []
  if (whole === '') throw bad('a number of tokens with at most 18 decimals', given)
  return BigInt(whole) * TOKEN + BigInt(fraction.padEnd(Number(TOKEN_DECIMALS), '0'))
}

function wholeOf(given: string, expected: string): bigint {
  if (/^\d{1,77}$/.test(given.trim())) return BigInt(given.trim())
  throw bad(expected, given)
}

function bad(expected: string, given: string): CodexError<'cli/bad-value'> {
  const found = given.slice(0, MAX_CHARS)
  return new CodexError('cli/bad-value', `expected ${expected}, found ${JSON.stringify(found)}`, { detail: { found } })
}
