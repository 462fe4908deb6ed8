// Sizes and spans as people write and read them, always with their unit. Not for records or wires: those carry plain numbers.

import { CodexError } from './errors.ts'
import type { Bytes, Seconds } from './units.ts'

const KIB = 1024n
const BINARY_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** Bytes per unit, names in lower case. `GB` is a thousand million as everywhere outside of memory chips, `GiB` 2^30. */
const SIZE_UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ['b', 1n],
  ...['k', 'm', 'g', 't', 'p'].flatMap((letter, i): [string, bigint][] => [
    [`${letter}b`, 1000n ** BigInt(i + 1)],
    [`${letter}i`, KIB ** BigInt(i + 1)],
    [`${letter}ib`, KIB ** BigInt(i + 1)],
  ]),
])

/** The same names and single letters, each a power of 1024. */
const BINARY_SIZE_UNITS: ReadonlyMap<string, bigint> = new Map([
  ['', 1n],
  ['b', 1n],
  ...['k', 'm', 'g', 't', 'p'].flatMap((letter, i) =>
    [letter, `${letter}b`, `${letter}i`, `${letter}ib`].map((name): [string, bigint] => [name, KIB ** BigInt(i + 1)]),
  ),
])

/** Largest first, as they follow one another in a text. */
const DURATION_UNITS: ReadonlyMap<string, Seconds> = new Map([
  ['w', 7 * 86_400],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
])

/** No sensible size or span is longer; keeps a hostile text from making large numbers. */
const MAX_TEXT = 40
/** The last instant that a Date can hold. */
const MAX_DATE_SECONDS: Seconds = 8_640_000_000_000

/** For people: at most two decimals, in the largest binary unit that leaves at least 1: `0 B`, `1.5 GiB`. */
export function formatBytes(bytes: Bytes): string {
  let value = bytes
  let unit = 0
  // Compared after rounding, so that a byte short of 1 MiB reads 1 MiB rather than 1024 KiB.
  while (unit < BINARY_UNITS.length - 1 && Number(Math.abs(value).toFixed(unit === 0 ? 0 : 2)) >= 1024) {
    value /= 1024
    unit++
  }
  return `${Number(value.toFixed(2))} ${BINARY_UNITS[unit] ?? ''}`
}

/** Two sizes that are compared: as {@link formatBytes} where that tells them apart, else exact, since it would read like a contradiction. */
export function formatSizes(one: Bytes, other: Bytes): readonly [string, string] {
  const [a, b] = [formatBytes(one), formatBytes(other)]
  return one !== other && a === b ? [`${one} bytes`, `${other} bytes`] : [a, b]
}

/**
 * `20GiB`, `64 KiB`, `1.5Gi`, `20GB` (decimal), `1048576` (bytes); case does not matter. A fraction of a byte is cut off.
 * @throws CodexError `units/not-a-size`, also for amounts of 2^53 bytes and more
 */
export function parseBytes(text: string): Bytes {
  return bytesIn(text, SIZE_UNITS)
}

/**
 * `20g`, `20GB`, `20Gi` and `20GiB` are all 20 · 2^30, as the network's other nodes read their settings; `1048576` is bytes. Case does not matter.
 * @throws CodexError as {@link parseBytes}
 */
export function parseBinaryBytes(text: string): Bytes {
  return bytesIn(text, BINARY_SIZE_UNITS)
}

function bytesIn(text: string, units: ReadonlyMap<string, bigint>): Bytes {
  const match = /^(\d+)(?:\.(\d+))?\s*([a-z]*)$/i.exec(text.length <= MAX_TEXT ? text.trim() : '')
  const [, whole = '', fraction = '', unitName = ''] = match ?? []
  const unit = units.get(unitName.toLowerCase())
  if (match === null || unit === undefined) throw notASize(text)
  const bytes = (BigInt(whole + fraction) * unit) / 10n ** BigInt(fraction.length)
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) throw notASize(text)
  return Number(bytes)
}

/** For people: `1 block`, `2 blocks`. The noun's plural ends in s. */
export function formatCount(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** For people, exact to the second: `30d`, `1h 30m`, `0s`. */
export function formatDuration(seconds: Seconds): string {
  let rest = Math.round(Math.abs(seconds))
  const parts: string[] = []
  for (const [name, unit] of DURATION_UNITS) {
    // A month of days is easier to compare than four weeks and two days.
    if (name === 'w') continue
    const count = Math.floor(rest / unit)
    if (count > 0) parts.push(`${count}${name}`)
    rest -= count * unit
  }
  return parts.length === 0 ? '0s' : `${seconds < 0 ? '-' : ''}${parts.join(' ')}`
}

/** For people, in UTC: `2027-06-01T12:00:00Z`. */
export function formatInstant(at: Seconds): string {
  return Math.abs(at) <= MAX_DATE_SECONDS ? new Date(at * 1000).toISOString().replace('.000Z', 'Z') : `${at} s`
}

/**
 * `30d`, `10m`, `45s`, `2h`, `1w`, or several from large to small, as `1h30m`. Whole numbers with a unit each: a bare number would leave
 * open whether it means seconds or days. @throws CodexError `units/not-a-duration`, also for spans of 2^53 seconds and more
 */
export function parseDuration(text: string): Seconds {
  const parts = /^(?:\d+\s*[wdhms]\s*)+$/i.test(text.length <= MAX_TEXT ? text.trim() : '')
    ? Array.from(text.matchAll(/(\d+)\s*([wdhms])/gi))
    : []
  let total = 0
  let larger = Infinity
  for (const [, count = '', name = ''] of parts) {
    const unit = DURATION_UNITS.get(name.toLowerCase()) ?? Infinity
    if (unit >= larger) throw notADuration(text)
    larger = unit
    total += Number(count) * unit
  }
  if (parts.length === 0 || !Number.isSafeInteger(total)) throw notADuration(text)
  return total
}

/**
 * As {@link parseDuration}, and as the network's other nodes read their settings: `86400` is seconds, `1.5h` has a fraction, to the next second.
 * @throws CodexError as that does
 */
export function parseSpan(text: string): Seconds {
  const plain = /^(\d+(?:\.\d+)?)\s*([wdhms]?)$/i.exec(text.length <= MAX_TEXT ? text.trim() : '')
  if (plain === null) return parseDuration(text)
  const [, number = '', name = ''] = plain
  const seconds = Math.round(Number(number) * (DURATION_UNITS.get(name.toLowerCase()) ?? 1))
  if (Number.isSafeInteger(seconds)) return seconds
  throw notADuration(text)
}

function notASize(text: string): CodexError<'units/not-a-size'> {
  const found = text.slice(0, MAX_TEXT)
  const message = `expected a size below 2^53 bytes such as 20GiB, 64KiB, 20GB or 1048576, found ${JSON.stringify(found)}`
  return new CodexError('units/not-a-size', message, { detail: { found } })
}

function notADuration(text: string): CodexError<'units/not-a-duration'> {
  const found = text.slice(0, MAX_TEXT)
  const message = `expected a duration with its unit such as 30d, 2h, 10m, 45s or 1h30m, found ${JSON.stringify(found)}`
  return new CodexError('units/not-a-duration', message, { detail: { found } })
}
