// A whole number in an address. What it may be is for whoever asked for it.

import { CodexError } from '../lib/errors.ts'

/** Undefined where there is none. @throws CodexError `rest/bad-number` */
export function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(value)) return value
  throw new CodexError('rest/bad-number', `${name}: expected a whole number`, { detail: { field: name } })
}
