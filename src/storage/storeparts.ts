// What the operations of the RepoStore work with, and where their records lie in the Datastore.

import { joinKey, textKey } from './storagekey.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Cid } from '../protocol/cid.ts'
import type { BlockRecord } from './blockrecord.ts'
import { decodeBlockRecord } from './blockrecord.ts'
import type { Datastore, Key } from './datastore.ts'
import type { Hasher } from './hasher.ts'
import type { Ledger } from './ledger.ts'
import type { SlabFile } from './slabfile.ts'

export interface StoreParts {
  readonly datastore: Datastore
  readonly slab: SlabFile
  readonly hasher: Hasher
  /** What expiries are held against: that of the chain too, where slots of ours end by its time. */
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
  readonly ledger: Ledger
}

/** Records are walked and changed this many at a time, so that no operation grows with the store. */
export const RECORDS_PER_PAGE = 1024

export const BLOCKS_PREFIX = textKey('repo/blocks/')

/** Content codec and hash code stand first in a CID, so that the blocks of one kind stand together in the index. */
export function blockKey(cid: Cid): Key {
  return joinKey(BLOCKS_PREFIX, cid.bytes)
}

/** The records at these keys, in order. @throws CodexError `store/corrupted-record` */
export async function readBlockRecords(
  datastore: Datastore,
  keys: readonly Key[],
): Promise<(BlockRecord | undefined)[]> {
  const sealed = await datastore.getMany(keys)
  return sealed.map((record, i) => (record === undefined ? undefined : decodeBlockRecord(keys[i] as Key, record)))
}
