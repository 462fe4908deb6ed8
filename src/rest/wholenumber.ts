// A whole number in an address. What it may be is for whoever asked for it.

import { CodexError } from '../lib/errors.ts'

/** What {@link wholeNumber} takes, for the OpenAPI document. */
export const WHOLE_NUMBER = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER }

/** Undefined where there is none. @throws CodexError `rest/bad-number` */
export function wholeNumber(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (Number.isSafeInteger(value)) return value
  throw new CodexError('rest/bad-number', `${name}: expected a whole number`, { detail: { field: name } })
}
