// One option of the command line: how it is written, read, shown and explained. Which options a verb has is the verb's table.

import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatDuration, parseBinaryBytes, parseBytes, parseDuration, parseSpan } from '../lib/format.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { hasWrongChecksum } from '../protocol/addresschecksum.ts'

export interface Option<T> {
  /** What stands for the value in help, `SIZE`; absent for a flag. */
  readonly takes?: string
  /** One letter. */
  readonly short?: string
  readonly about: string
  /** May be given several times; `read` gets all of them, with commas between. */
  readonly isRepeatable?: boolean
  /** Without it nothing can be done. */
  readonly isRequired?: boolean
  /** @throws CodexError whose exit code is usage */
  read(text: string): T
  /** As people write it. */
  show(value: T): string
}

/** By long name, without the dashes. */
export type OptionTable = Readonly<Record<string, Option<unknown>>>

/** What was given; undefined where nothing was and nothing need be. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name] extends Option<infer T>
    ? T | (Table[Name] extends { readonly isRequired: true } ? never : undefined)
    : never
}

/** As `parseArgs` hands them over. */
export type RawOptions = Readonly<Record<string, string | boolean | undefined>>

const MAX_PORT = 65_535

interface Extra {
  readonly short?: string
}

export function flag(about: string, extra: Extra = {}): Option<boolean> {
  return { about, ...extra, read: readSwitch, show: String }
}

/** That the verb does nothing without. */
export function required<T>(option: Option<T>): Option<T> & { readonly isRequired: true } {
  return { ...option, isRequired: true }
}

export function text(takes: string, about: string, extra: Extra = {}): Option<string> {
  return { takes, about, ...extra, read: (given) => given, show: (value) => value }
}

/** Of an account or a contract; one with a wrong checksum is refused. */
export function address(about: string): Option<string> {
  return {
    takes: 'ADDRESS',
    about,
    read(given) {
      const found = given.trim()
      if (!/^0x[0-9a-f]{40}$/i.test(found)) throw badValue('an address of 0x and 40 hex digits', given)
      if (hasWrongChecksum(found))
        throw badValue('an address with a right checksum, which one that is mistyped has not', given)
      return found
    },
    show: (value) => value,
  }
}

/** Given several times, or once with commas. */
export function list(takes: string, about: string, extra: Extra = {}): Option<readonly string[]> {
  return {
    takes,
    about,
    ...extra,
    isRepeatable: true,
    read: (given) => given.split(',').filter((part) => part !== ''),
    show: (values) => (values.length === 0 ? '-' : values.join(',')),
  }
}

/** Of pages, as browsers say them: scheme and host, the port where it is no usual one. Or `*`. */
export function origins(about: string): Option<readonly string[]> {
  const { read, ...rest } = list('ORIGIN', about)
  return {
    ...rest,
    read(given) {
      const all = read(given)
      const wrong = all.length === 0 ? given : all.find((each) => each !== '*' && !isOrigin(each))
      if (wrong === undefined) return all
      throw badValue("origins as http://localhost:3000, with commas between and without a path, or '*'", wrong)
    },
  }
}

/** A port to listen on, 0 for any free one. */
export function port(about: string, extra: Extra = {}): Option<number> {
  return {
    takes: 'PORT',
    about,
    ...extra,
    read(given) {
      if (/^\d{1,5}$/.test(given) && Number(given) <= MAX_PORT) return Number(given)
      throw badValue(`a port from 0 to ${MAX_PORT}`, given)
    },
    show: String,
  }
}

export function size(about: string, extra: Extra = {}): Option<Bytes> {
  return { takes: 'SIZE', about, ...extra, read: parseBytes, show: formatBytes }
}

/** As other nodes read sizes: every unit is binary, one letter is enough. */
export function binarySize(about: string, extra: Extra = {}): Option<Bytes> {
  return { ...size(about, extra), read: parseBinaryBytes }
}

/** As {@link duration}, and as other nodes read it: a number of seconds, or of one unit with a fraction. */
export function span(about: string, extra: Extra = {}): Option<Seconds> {
  return { ...duration(about, extra), read: (given) => atLeastASecond(parseSpan(given), given) }
}

/** At least a second: nothing here may happen all the time. */
export function duration(about: string, extra: Extra = {}): Option<Seconds> {
  return {
    takes: 'DURATION',
    about,
    ...extra,
    read: (given) => atLeastASecond(parseDuration(given), given),
    show: formatDuration,
  }
}

/** A whole number from 1 on. */
export function count(about: string, extra: Extra = {}): Option<number> {
  return { takes: 'COUNT', about, ...extra, read: readCount, show: String }
}

/** A whole number from 0 on. */
export function wholeNumber(takes: string, about: string, extra: Extra = {}): Option<number> {
  return { takes, about, ...extra, read: (given) => (given === '0' ? 0 : readCount(given)), show: String }
}

/** A whole number from `min` to `max`. */
export function between(takes: string, about: string, min: number, max: number): Option<number> {
  return {
    takes,
    about,
    read(given) {
      const value = /^\d{1,9}$/.test(given) ? Number(given) : NaN
      if (value >= min && value <= max) return value
      throw badValue(`a whole number from ${min} to ${max}`, given)
    },
    show: String,
  }
}

/** A whole number of base units, from 0 on, however large. */
export function amount(takes: string, about: string, extra: Extra = {}): Option<bigint> {
  return { takes, about, ...extra, read: readAmount, show: String }
}

export function choice<const T extends string>(choices: readonly T[], about: string, extra: Extra = {}): Option<T> {
  return {
    takes: choices.join('|'),
    about,
    ...extra,
    read(given) {
      const found = choices.find((known) => known === given.toLowerCase())
      if (found === undefined) throw badValue(`one of ${choices.join(', ')}`, given)
      return found
    },
    show: String,
  }
}

/** @throws CodexError as the option reads, naming the option; `cli/bad-option` where a required one is missing */
export function readOptions<Table extends OptionTable>(table: Table, raw: RawOptions): OptionValues<Table> {
  const entries = Object.entries(table).map(([name, option]): [string, unknown] => {
    const given = raw[name]
    return [name, typeof given === 'string' ? readNamed(option, given, `--${name}`) : given]
  })
  const missing = Object.keys(table).filter((name) => table[name]?.isRequired === true && raw[name] === undefined)
  if (missing.length > 0)
    throw new CodexError('cli/bad-option', `expected ${missing.map((name) => `--${name}`).join(', ')}, found nothing`, {
      detail: { missing: missing.join() },
    })
  return Object.fromEntries(entries) as OptionValues<Table>
}

/** Reads `given`; a refusal says where it came from. */
export function readNamed<T>(option: Option<T>, given: string, from: string): T {
  try {
    return option.read(given)
  } catch (cause) {
    if (!CodexError.is(cause)) throw cause
    throw new CodexError(cause.code, `${from}: ${cause.message}`, { detail: { ...cause.detail, from }, cause })
  }
}

function readSwitch(given: string): boolean {
  const word = given.toLowerCase()
  if (['1', 'true', 'yes', 'on'].includes(word)) return true
  if (['0', 'false', 'no', 'off'].includes(word)) return false
  throw badValue('true or false', given)
}

function atLeastASecond(seconds: Seconds, given: string): Seconds {
  if (seconds < 1) throw badValue('a duration of at least 1s', given)
  return seconds
}

function readCount(given: string): number {
  const value = /^\d{1,16}$/.test(given) ? Number(given) : 0
  if (value < 1 || !Number.isSafeInteger(value)) throw badValue('a whole number from 1 on', given)
  return value
}

function readAmount(given: string): bigint {
  if (/^\d{1,77}$/.test(given)) return BigInt(given)
  throw badValue('a whole number from 0 on', given)
}

function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^\s/?#@*\\]+$/.test(text) || !URL.canParse(text)) return false
  const { origin } = new URL(text)
  // Of other schemes, as of extensions, it is what browsers show.
  return origin === text || origin === 'null'
}

/** @param expected as in "expected a port" */
export function badValue(expected: string, given: string): CodexError<'cli/bad-value'> {
  const found = given.slice(0, 80)
  return new CodexError('cli/bad-value', `expected ${expected}, found ${JSON.stringify(found)}`, { detail: { found } })
}
