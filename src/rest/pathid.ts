// An id in a path: the hex digits of 32 bytes, with or without 0x.

import { CodexError } from '../lib/errors.ts'
import type { RestContext } from './restparts.ts'

/** @param what it names, for errors @returns in its one spelling @throws CodexError `rest/bad-id` */
export function idIn(c: RestContext, what: string): string {
  const digits = /^(?:0x)?([0-9a-f]{64})$/i.exec(c.req.param('id') ?? '')?.[1]
  if (digits !== undefined) return `0x${digits.toLowerCase()}`
  throw new CodexError('rest/bad-id', `Incorrect ${what} id: expected 64 hex digits`, { detail: { field: 'id' } })
}
