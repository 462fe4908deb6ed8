// How many of the latest rows are asked for, in an address.

import { CodexError } from '../lib/errors.ts'
import type { RestContext } from './restparts.ts'

export const MAX_DECISIONS = 1000
export const DEFAULT_DECISIONS = 100
/** Of the latest slots, sales and purchases. */
export const MAX_ROWS = 100_000

/** What {@link countIn} takes, for the OpenAPI document. */
export function rowCount(most: number, silent = most) {
  return { type: 'integer', minimum: 1, maximum: most, default: silent }
}

/** @param silent where none is given @throws CodexError `rest/bad-number` */
export function countIn(c: RestContext, most: number, silent = most): number {
  const given = c.req.query('count')
  if (given === undefined) return silent
  if (/^\d{1,6}$/.test(given) && Number(given) >= 1 && Number(given) <= most) return Number(given)
  throw new CodexError('rest/bad-number', `count: expected a whole number from 1 to ${most}`, {
    detail: { field: 'count' },
  })
}
