// Get: bytes out of the store, hash-checked. What fails the check is quarantined, reported and never served.

import { equalBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import { readSlab } from './blockbytes.ts'
import { BlockPlan } from './blockplan.ts'
import type { BlockRecord } from './blockrecord.ts'
import { servable } from './blockrecord.ts'
import type { TakeMemory } from './slabfile.ts'
import type { StoreParts } from './storeparts.ts'
import { blockKey, readBlockRecords } from './storeparts.ts'

const NO_BYTES = new Uint8Array(0)

/**
 * The bytes of each block, in order; `undefined` for one the store does not have. The empty block is always there.
 * @param memory as for `SlabFile.read` @param maxBytes only those at the beginning that have no more together, and the first always: the answer is shorter then
 * @throws CodexError `store/block-corrupted` for the first whose bytes have changed on disk, `store/corrupted-record`
 */
export async function getBlocks(
  parts: StoreParts,
  wanted: readonly Cid[],
  memory?: TakeMemory,
  maxBytes = Infinity,
): Promise<(Uint8Array | undefined)[]> {
  const all = await readBlockRecords(parts.datastore, wanted.map(blockKey))
  const records = all.slice(0, countWithin(all, maxBytes))
  const cids = wanted.slice(0, records.length)
  const bytes = await readRecords(parts, records, memory)
  const digests = await parts.hasher.sha256(bytes.map((found) => found ?? NO_BYTES))
  return Promise.all(
    cids.map(async (cid, i) => {
      if (isEmptyBlockCid(cid)) return new Uint8Array(0)
      if (records[i]?.place.at === 'quarantined') throw corrupted(cid)
      const found = bytes[i]
      if (found === undefined || equalBytes(digests[i] as Uint8Array, cid.digest)) return found
      return lookAgain(parts, cid)
    }),
  )
}

function countWithin(records: readonly (BlockRecord | undefined)[], maxBytes: Bytes): number {
  let bytes = 0
  const beyond = records.findIndex((record, i) => (bytes += record?.size ?? 0) > maxBytes && i > 0)
  return beyond < 0 ? records.length : beyond
}

async function readRecords(
  { slab }: StoreParts,
  records: readonly (BlockRecord | undefined)[],
  memory?: TakeMemory,
): Promise<(Uint8Array | undefined)[]> {
  const inSlab = records.filter((record) => servable(record) && record.place.at === 'slab')
  const read = await readSlab(slab, inSlab as readonly BlockRecord[], memory)
  let next = 0
  return records.map((record) => {
    if (!servable(record)) return undefined
    return record.place.at === 'inline' ? record.place.bytes.slice() : read[next++]
  })
}

/**
 * The block may have been deleted, and its units given to another, between our reading the record and the bytes. So look once more
 * while nothing moves; only a mismatch then is damage.
 */
async function lookAgain(parts: StoreParts, cid: Cid): Promise<Uint8Array | undefined> {
  const key = blockKey(cid)
  const found = await parts.ledger.update<Uint8Array | 'corrupted' | undefined>(async () => {
    const [record] = await readBlockRecords(parts.datastore, [key])
    const nothing = new BlockPlan().plan
    if (!servable(record)) return [nothing, record?.place.at === 'quarantined' ? 'corrupted' : undefined]
    const [bytes = NO_BYTES] = await readRecords(parts, [record])
    const [digest = NO_BYTES] = await parts.hasher.sha256([bytes])
    if (equalBytes(digest, cid.digest)) return [nothing, bytes]
    const units = record.place.at === 'slab' ? record.place.units : []
    return [new BlockPlan().replace(key, record, { ...record, place: { at: 'quarantined', units } }).plan, 'corrupted']
  })
  if (found !== 'corrupted') return found
  parts.log.error('block quarantined: its bytes on disk have changed', { cid: String(cid) })
  throw corrupted(cid)
}

function corrupted(cid: Cid): CodexError<'store/block-corrupted'> {
  return new CodexError(
    'store/block-corrupted',
    `block ${cid} is damaged on disk and in quarantine; store it again to repair it`,
    {
      detail: { cid: String(cid) },
    },
  )
}
