// A CID from the command line. Of several, the error says which.

import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { MAX_CID_CHARS, parseCid } from '../protocol/cid.ts'

/** @throws CodexError as `parseCid` */
export function readCid(text: string): Cid {
  try {
    return parseCid(text)
  } catch (cause) {
    if (!CodexError.is(cause)) throw cause
    const shown = JSON.stringify(text.length > MAX_CID_CHARS ? `${text.slice(0, MAX_CID_CHARS)}…` : text)
    throw new CodexError(cause.code, `${shown} is no CID: ${cause.message}`, { detail: cause.detail, cause })
  }
}
