// What a relay had cached when the node was last stopped: nobody knows of it any more, and it goes. Not what something of this node has come to need.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { decodeCid } from '../protocol/cid.ts'
import { hasKeys, sweepTree } from './dropleaves.ts'
import { RELAYED_PREFIX, isRelayed, relayedKey } from './relayedtrees.ts'
import type { StoreParts } from './storeparts.ts'
import { holdersKey } from './treeholder.ts'
import type { TreeRecord } from './treerecord.ts'
import { nextTreeId, readTreeRecord, sweepKey, treeKey } from './treerecord.ts'

/** Sweeps every tree that is noted as relayed and was made before this call, one after the other. @returns how many */
export async function sweepRelayed(parts: StoreParts, { signal }: AbortOptions): Promise<number> {
  const [beforeId] = await nextTreeId(parts.datastore)
  let swept = 0
  for await (const [key] of parts.datastore.entries(RELAYED_PREFIX, { signal })) {
    const id = await giveUp(parts, decodeCid(key.slice(RELAYED_PREFIX.length)), beforeId)
    if (id === undefined) continue
    await sweepTree(parts, id, signal)
    swept++
  }
  return swept
}

/** @returns the number that lies under no tree any more and is noted to be swept; undefined where the tree stays */
function giveUp(parts: StoreParts, tree: Cid, beforeId: number): Promise<number | undefined> {
  const { ledger, datastore } = parts
  return ledger.update<number | undefined>(async () => {
    const record = await unlessDamaged(() => readTreeRecord(datastore, tree))
    if (record !== undefined && record.id >= beforeId) return [{ changes: [] }, undefined]
    const note = { drop: relayedKey(tree) }
    const isNeeded = record === undefined || !(await isRelayed(datastore, tree, record))
    if (isNeeded || (await hasKeys(datastore, holdersKey(tree)))) return [{ changes: [note] }, undefined]
    const changes = [note, { drop: treeKey(tree) }, { put: sweepKey(record.id), value: NOTHING }]
    return [{ changes }, record.id]
  })
}

async function unlessDamaged(read: () => Promise<TreeRecord | undefined>): Promise<TreeRecord | undefined> {
  try {
    return await read()
  } catch (error) {
    if (CodexError.is(error, 'store/corrupted-record')) return undefined
    throw error
  }
}

const NOTHING = new Uint8Array(0)
