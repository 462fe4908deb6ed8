// Decoding for a node: the store's manifest, expiry and progress put around the erasure room's verb.

import { decodeDataset } from '../erasure/decodedataset.ts'
import type { DecodedDataset } from '../erasure/decodedataset.ts'
import type { Cid } from '../protocol/cid.ts'
import { originalBlocksCount } from '../protocol/manifest.ts'
import { loadProtected } from './loadmanifest.ts'
import { SlotsMeter } from './slotsprogress.ts'
import type { ExpiryOption, SlotsJob, SlotsParts } from './slotsparts.ts'
import { keptUntil } from './keptuntil.ts'

/** @throws CodexError as `loadProtected` and `decodeDataset` */
export async function decodeStored(
  { repo, erasure, datasets }: SlotsParts,
  cid: Cid,
  { expiry, signal, rank, progress }: SlotsJob & ExpiryOption,
): Promise<DecodedDataset> {
  const manifest = await loadProtected(datasets, cid)
  const meter = new SlotsMeter('decoding', { slots: [], blocks: originalBlocksCount(manifest) }, progress)
  return decodeDataset({ repo, erasure, trees: datasets.trees }, manifest, {
    signal,
    rank,
    expiry: await keptUntil(repo, cid, expiry),
    advance: (blocks) => meter.advance(blocks),
  })
}
