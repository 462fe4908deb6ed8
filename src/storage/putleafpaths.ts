// Proofs of leaves that are in the store without: from then on they are served to others.

import type { Cid } from '../protocol/cid.ts'
import { LeafPages } from './leafpage.ts'
import { proofKey } from './leafproof.ts'
import { sealRecord } from './sealedrecord.ts'
import type { StoreParts } from './storeparts.ts'
import { readTreeRecord } from './treerecord.ts'

export interface LeafPath {
  readonly index: number
  /** As `MerkleProof.path`. */
  readonly path: readonly Uint8Array[]
}

/** Stores the proofs of those leaves that are there. They are believed, and count with the next strict commit. A tree that was built here needs none. */
export function putLeafPaths(parts: StoreParts, tree: Cid, paths: readonly LeafPath[]): Promise<void> {
  return parts.ledger.update<void>(async () => {
    const record = await readTreeRecord(parts.datastore, tree)
    if (record === undefined || record.hasNodes) return [{ changes: [] }, undefined]
    const pages = await LeafPages.read(
      parts.datastore,
      record.id,
      paths.map(({ index }) => index),
    )
    const here = paths.filter(({ index }) => pages.get(index) !== undefined)
    const changes = here.map(({ index, path }) => ({ put: proofKey(record.id, index), value: sealRecord(...path) }))
    return [{ changes, durability: 'relaxed' }, undefined]
  })
}
