// Letting go of one slot's blocks; the dataset stays, and with K other slots a repair brings them back.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { slotBlocksCount } from '../protocol/manifest.ts'
import type { Datasets } from '../storage/datasets.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { RECORDS_PER_PAGE } from '../storage/storeparts.ts'
import { checkSlotIndex } from './slotgeometry.ts'

/** @returns how many leaves there were @throws CodexError `slots/not-verifiable`, `slots/no-such-slot`, and as `Datasets.manifest` */
export async function dropSlot(
  { repo, datasets }: { readonly repo: RepoStore; readonly datasets: Datasets },
  cid: Cid,
  index: number,
  { signal }: AbortOptions,
): Promise<number> {
  const manifest = await datasets.manifest(cid)
  if (manifest.kind !== 'verifiable')
    throw new CodexError('slots/not-verifiable', 'expected a dataset with slot roots', {
      detail: { cid: String(cid), kind: manifest.kind },
    })
  checkSlotIndex(index, manifest.slotRoots.length)
  const blocks = slotBlocksCount(manifest)
  let dropped = 0
  for (let first = 0; first < blocks; first += RECORDS_PER_PAGE) {
    signal.throwIfAborted()
    const count = Math.min(RECORDS_PER_PAGE, blocks - first)
    const indices = Array.from({ length: count }, (_, i) => index * blocks + first + i)
    dropped += await repo.dropLeaves(manifest.treeCid, indices)
  }
  await repo.trim()
  return dropped
}
