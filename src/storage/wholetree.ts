// Whether a tree that was built here still has every leaf and node. Damage to a page is seen; hashes are not computed again.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Datastore, Key } from './datastore.ts'
import { LeafPage, leavesKey } from './leafpage.ts'
import { openRecord } from './sealedrecord.ts'
import { nodePagesOf, nodesKey } from './treenodes.ts'
import { readTreeRecord } from './treerecord.ts'

/** False for an unknown tree too, for one of another size, and for one that is here only in part. @throws what the Datastore throws, the signal's reason */
export async function isWholeTree(
  datastore: Datastore,
  tree: Cid,
  leafCount: number,
  { signal }: AbortOptions,
): Promise<boolean> {
  try {
    const record = await readTreeRecord(datastore, tree)
    if (record === undefined || !record.hasNodes || record.leafCount !== leafCount) return false
    const count = async (prefix: Key, leavesIn: (key: Key, sealed: Uint8Array) => number): Promise<number> => {
      let found = 0
      for await (const [key, sealed] of datastore.entries(prefix, { signal })) found += leavesIn(key, sealed)
      return found
    }
    const leaves = await count(leavesKey(record.id), (key, sealed) => LeafPage.decode(key, sealed).count())
    const pages = await count(nodesKey(record.id), (key, sealed) => Math.sign(openRecord(key, sealed).length))
    return leaves === leafCount && pages === nodePagesOf(leafCount)
  } catch (error) {
    if (CodexError.is(error, 'store/corrupted-record')) return false
    throw error
  }
}
