// Ids in addresses: the hex digits of 32 bytes.

import { CodexError } from '../lib/errors.ts'
import type { RestContext } from './restparts.ts'

const PATH_ID = /^(?:0[xX])?([0-9a-fA-F]{64})$/
const REQUEST_ID = /^0[xX][0-9a-fA-F]{64}$/

/** What {@link idIn} and {@link requestIdIn} take, for the OpenAPI document. */
export const PATH_ID_SCHEMA = { type: 'string', pattern: PATH_ID.source }
export const REQUEST_ID_SCHEMA = { type: 'string', pattern: REQUEST_ID.source }

/** In a path, with or without 0x. @param what it names, for errors @returns in its one spelling @throws CodexError `rest/bad-id` */
export function idIn(c: RestContext, what: string): string {
  const digits = PATH_ID.exec(c.req.param('id') ?? '')?.[1]
  if (digits !== undefined) return `0x${digits.toLowerCase()}`
  throw new CodexError('rest/bad-id', `Incorrect ${what} id: expected 64 hex digits`, { detail: { field: 'id' } })
}

/** In a query, as documents have it. @returns in its one spelling @throws CodexError `rest/bad-id` */
export function requestIdIn(text: string): string {
  if (REQUEST_ID.test(text)) return text.toLowerCase()
  throw new CodexError('rest/bad-id', "request: expected '0x' and 64 hex digits", { detail: { field: 'request' } })
}
