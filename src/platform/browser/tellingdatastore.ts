// A Datastore that tells somebody after each commit. It says nothing about what was committed, and decides nothing.

import type { Datastore } from '../../storage/datastore.ts'

/** The same datastore; `tell` is called when a commit has settled well, and must not throw. */
export function tellingDatastore(datastore: Datastore, tell: () => void): Datastore {
  return {
    get: (key) => datastore.get(key),
    getMany: (keys) => datastore.getMany(keys),
    entries: (prefix, options) => datastore.entries(prefix, options),
    async commit(changes, options) {
      await datastore.commit(changes, options)
      tell()
    },
    close: () => datastore.close(),
  }
}
