// Which manifests hold a tree. It reads keys only and decides nothing.

import type { AbortOptions } from '../lib/abort.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Datastore } from './datastore.ts'
import { holdersKey, readHolderKey } from './treeholder.ts'

/** Holders of one tree that are looked at: more than a few share one only where somebody makes them for the purpose. */
export const MAX_HOLDERS_READ = 16

/** At most {@link MAX_HOLDERS_READ} of them, in the order of their CIDs. @throws what the Datastore throws, the signal's reason */
export async function holdersOf(datastore: Datastore, tree: Cid, { signal }: AbortOptions): Promise<Cid[]> {
  const holders: Cid[] = []
  for await (const [key] of datastore.entries(holdersKey(tree), { signal })) {
    holders.push(readHolderKey(key).manifest)
    if (holders.length === MAX_HOLDERS_READ) break
  }
  return holders
}
