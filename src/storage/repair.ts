// Rebuilds what follows from the records that can still be read: counters, unit map and reference counts. For a store whose recount finds problems.

import { fromHex, toHex } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { BlockRecord } from './blockrecord.ts'
import { decodeBlockRecord, encodeBlockRecord, occupies, unitsOf } from './blockrecord.ts'
import type { Change, Datastore } from './datastore.ts'
import { LEAVES_PREFIX, LeafPage } from './leafpage.ts'
import { countReferences } from './putleaves.ts'
import type { Counters } from './quota.ts'
import { countersChange } from './quota.ts'
import { BLOCKS_PREFIX, RECORDS_PER_PAGE } from './storeparts.ts'
import type { StoreParts } from './storeparts.ts'
import { joinKey } from './storagekey.ts'
import { UNITS_PREFIX, unitPages } from './unitmap.ts'

export interface Repair {
  /** Blocks whose record was damaged or missing: their bytes are lost to the store and can be stored again. */
  readonly lostBlocks: number
  /** Pages of leaves that were damaged: uploading the same bytes again makes their dataset whole. */
  readonly lostLeafPages: number
  /** Reference counts that were wrong. */
  readonly mendedCounts: number
}

/**
 * Holds every change off meanwhile. Harmless to repeat, also after a crash in the middle. Memory grows by about 200 bytes with each block.
 * @param reserved bytes set aside; the caller knows, since the counter itself may be what is damaged
 * @throws the signal's reason, and what the Datastore throws
 */
export function repair(parts: StoreParts, reserved: number, signal: AbortSignal): Promise<Repair> {
  const { datastore, ledger } = parts
  return ledger.rebuild(async () => {
    const batch = new Batch(datastore)
    let lostLeafPages = 0
    const references = new Map<string, number>()
    for await (const [key, sealed] of datastore.entries(LEAVES_PREFIX, { signal })) {
      const page = readable(() => LeafPage.decode(key, sealed))
      if (page === undefined) {
        lostLeafPages++
        await batch.add({ drop: key })
      }
      for (const { cid, count } of countReferences(page?.cids() ?? [])) {
        const name = toHex(cid.bytes)
        references.set(name, (references.get(name) ?? 0) + count)
      }
    }
    const found = await mendBlocks(datastore, batch, references, signal)
    for await (const [key] of datastore.entries(UNITS_PREFIX, { signal })) await batch.add({ drop: key })
    for (const change of unitPages(found.units)) await batch.add(change)
    await batch.add(countersChange({ ...found.counters, reserved }))
    await batch.end()
    return { lostBlocks: found.lostBlocks, lostLeafPages, mendedCounts: found.mendedCounts }
  })
}

async function mendBlocks(
  datastore: Datastore,
  batch: Batch,
  references: Map<string, number>,
  signal: AbortSignal,
): Promise<
  Pick<Repair, 'lostBlocks' | 'mendedCounts'> & { units: Set<number>; counters: Pick<Counters, 'blocks' | 'used'> }
> {
  const units = new Set<number>()
  const counters = { blocks: 0, used: 0 }
  let lostBlocks = 0
  let mendedCounts = 0
  for await (const [key, sealed] of datastore.entries(BLOCKS_PREFIX, { signal })) {
    const name = toHex(key.subarray(BLOCKS_PREFIX.length))
    const refCount = references.get(name) ?? 0
    references.delete(name)
    const record = readable(() => decodeBlockRecord(key, sealed))
    // Two blocks in one unit: which one's bytes they are a read would tell; the later name is the one given up.
    const isLost = record === undefined || unitsOf(record).some((unit) => units.has(unit))
    if (isLost) lostBlocks++
    else if (record.refCount !== refCount) mendedCounts++
    const after: BlockRecord = isLost
      ? { size: record?.size ?? 0, expiry: record?.expiry ?? 0, refCount, place: { at: 'gone' } }
      : { ...record, refCount }
    if (isLost || record.refCount !== refCount)
      await batch.add(
        refCount === 0 && !occupies(after) ? { drop: key } : { put: key, value: encodeBlockRecord(after) },
      )
    if (!occupies(after)) continue
    counters.blocks++
    counters.used += after.size
    for (const unit of unitsOf(after)) units.add(unit)
  }
  // What leaves name and no record knows: remembered, so that storing the block again finds its count.
  for (const [name, refCount] of references) {
    lostBlocks++
    const lost: BlockRecord = { size: 0, expiry: 0, refCount, place: { at: 'gone' } }
    await batch.add({ put: joinKey(BLOCKS_PREFIX, fromHex(name)), value: encodeBlockRecord(lost) })
  }
  return { units, counters, lostBlocks, mendedCounts }
}

/** Commits changes some at a time. */
class Batch {
  readonly #datastore: Datastore
  #changes: Change[] = []

  constructor(datastore: Datastore) {
    this.#datastore = datastore
  }

  async add(change: Change): Promise<void> {
    this.#changes.push(change)
    if (this.#changes.length >= RECORDS_PER_PAGE) await this.end()
  }

  async end(): Promise<void> {
    const changes = this.#changes
    this.#changes = []
    await this.#datastore.commit(changes)
  }
}

function readable<T>(decode: () => T): T | undefined {
  try {
    return decode()
  } catch (error) {
    if (CodexError.is(error, 'store/corrupted-record')) return undefined
    throw error
  }
}
