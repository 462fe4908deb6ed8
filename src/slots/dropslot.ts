// Letting go of one slot's blocks; the dataset stays, and with K other slots a repair brings them back.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Datasets } from '../storage/datasets.ts'
import { knownLeaves } from '../storage/presentleaves.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { slotRange } from './slotgeometry.ts'

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
  const range = slotRange(manifest, index)
  let dropped = 0
  for await (const places of knownLeaves(repo, manifest.treeCid, range, { signal })) {
    signal.throwIfAborted()
    dropped += await repo.dropLeaves(manifest.treeCid, places)
  }
  await repo.trim()
  return dropped
}
