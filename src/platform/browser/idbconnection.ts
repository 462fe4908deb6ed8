// Opening our IndexedDB database: its schema, its version, and the tabs in the way. What is stored in it is IdbDatastore's.

import { wrap } from 'idb'

import { CodexError } from '../../lib/errors.ts'

/** Raised with each change of {@link upgrade}; a database of a higher version is left alone. */
export const SCHEMA_VERSION = 1
/** The one object store: keys are binary, values `Uint8Array`. */
export const RECORDS = 'records'

export interface IdbOpening {
  readonly factory: IDBFactory
  readonly name: string
  /** Ends the wait for other tabs. */
  readonly signal: AbortSignal
  /** Whether a missing database is made. It is not when one was there before: an empty one would hide the loss. */
  readonly mayCreate: boolean
}

/**
 * The opened database, and whether it was made just now.
 *
 * @throws CodexError `datastore/blocked` when the signal ended the wait for a tab that holds an older version, `datastore/lost` when the
 * database is missing and may not be created; otherwise the signal's reason or what IndexedDB says
 */
export async function openIdb({
  factory,
  name,
  signal,
  mayCreate,
}: IdbOpening): Promise<{ db: IDBDatabase; created: boolean }> {
  signal.throwIfAborted()
  const request = factory.open(name, SCHEMA_VERSION)
  let created = false
  let blocked = false
  request.addEventListener('blocked', () => {
    blocked = true
  })
  request.addEventListener('upgradeneeded', ({ oldVersion }) => {
    blocked = false
    created = oldVersion === 0
    if (signal.aborted || (created && !mayCreate)) request.transaction?.abort()
    else upgrade(request.result, oldVersion)
  })
  const opened = wrap(request)
  await new Promise<void>((resolve, reject) => {
    const giveUp = () => {
      // The request itself cannot be taken back: what it still brings is let go of at once.
      opened.then(() => request.result.close()).catch(() => {})
      reject(blocked ? blockedError(name, signal.reason) : signal.reason)
    }
    signal.addEventListener('abort', giveUp, { once: true })
    opened
      .then(
        () => resolve(),
        (error: unknown) => reject(created && !mayCreate ? lostError(name, error) : error),
      )
      .finally(() => signal.removeEventListener('abort', giveUp))
  })
  return { db: request.result, created }
}

/** Brings a database of any earlier version to {@link SCHEMA_VERSION}; 0 means it did not exist. */
function upgrade(db: IDBDatabase, oldVersion: number): void {
  if (oldVersion < 1) db.createObjectStore(RECORDS)
}

function blockedError(name: string, cause: unknown): CodexError {
  const message = `expected to upgrade the database ${name}, found another tab holding its older version; close or reload the other tabs of this site`
  return new CodexError('datastore/blocked', message, { detail: { name }, cause })
}

/** Says that the database we had open is not there any more. */
export function lostError(name: string, cause?: unknown): CodexError<'datastore/lost'> {
  const message = `expected the database ${name} to be where it was, found it deleted; the browser or its user cleared this site's data`
  return new CodexError('datastore/lost', message, { detail: { name }, cause })
}
