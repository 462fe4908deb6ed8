// A Datastore for whoever may look but not touch: reads pass through, commits are refused. It owns nothing.

import { CodexError } from '../lib/errors.ts'
import type { Datastore } from './datastore.ts'

/**
 * The same records, never changed from here. `commit` rejects with `datastore/read-only`; `close` is a no-op, whoever opened the datastore
 * closes it.
 */
export function readOnlyDatastore(datastore: Datastore): Datastore {
  return {
    get: (key) => datastore.get(key),
    getMany: (keys) => datastore.getMany(keys),
    entries: (prefix, options) => datastore.entries(prefix, options),
    async commit() {
      throw new CodexError(
        'datastore/read-only',
        'expected no changes here: another tab or process runs the node; ask it',
      )
    },
    async close() {},
  }
}
