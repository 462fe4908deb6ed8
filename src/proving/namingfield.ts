// Errors of those who bring bytes and know not what for, with the name of the file that it was.

import { CodexError } from '../lib/errors.ts'

const OF_BYTES = ['proving/unreadable-source', 'proving/cannot-download', 'proving/cache-failed']

/** What `act` comes to; a failure to get at bytes gets the field. */
export async function namingField<Result>(field: string, act: Promise<Result>): Promise<Result> {
  try {
    return await act
  } catch (error) {
    if (!CodexError.is(error) || !OF_BYTES.includes(error.code)) throw error
    throw new CodexError(error.code, error.message, { detail: { field, ...error.detail }, cause: error })
  }
}
