// What was found in place of something else, in a few words for the message of an error. Shows no contents of objects: that is plainvalue.ts.

import { escapeControls } from './escapecontrols.ts'

/** Characters of a text that are shown, quotes and escapes included. */
export const MAX_DESCRIBED_CHARS = 80

const LARGE_BIGINT = 2n ** 256n

/** Any value whatever, in at most {@link MAX_DESCRIBED_CHARS} characters and on one line. Never throws. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quoted(value)
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
    case 'object':
      return value === null ? 'null' : described(value)
    case 'bigint':
      // Writing out a number of many megabytes would take minutes.
      return value < LARGE_BIGINT && value > -LARGE_BIGINT ? `${value}n` : 'a bigint of more than 256 bits'
    default:
      return String(value)
  }
}

/** The same for an error's detail, which must be plain data: a number stays one. */
export function numberOrDescription(value: unknown): number | string {
  return typeof value === 'number' ? value : describeValue(value)
}

function quoted(text: string): string {
  const shown = escapeControls(JSON.stringify(text.slice(0, MAX_DESCRIBED_CHARS)))
  const isWhole = text.length <= MAX_DESCRIBED_CHARS && shown.length <= MAX_DESCRIBED_CHARS
  return isWhole ? shown : `${shown.slice(0, MAX_DESCRIBED_CHARS - 2).replace(/"$/, '')}…"`
}

function described(value: object): string {
  try {
    const type = Object.prototype.toString.call(value).slice('[object '.length, -1)
    if (type === 'Array') return 'an array'
    return type === 'Object' ? 'an object' : `an object of type ${escapeControls(type).slice(0, 40)}`
  } catch {
    // A getter or a proxy that throws must not take the place of the error being made.
    return 'an unreadable object'
  }
}
