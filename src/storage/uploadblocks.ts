// The long part of an upload: stream -> blocks and leaves -> tree. While one group is written and flushed the next is read and hashed.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { readAhead } from '../lib/readahead.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { MerkleTree } from '../protocol/merkletree.ts'
import { MerkleBuilder } from '../protocol/merkletree.ts'
import { BufferRing, chunkGroups } from './chunkgroups.ts'
import { PUT_GROUP_BYTES } from './putgatherer.ts'
import type { RepoStore } from './repostore.ts'
import { hashBlocks } from './verifiedblock.ts'

/** Groups being written while the next is read; more would only cost memory, the disk takes one at a time. */
const GROUPS_IN_FLIGHT = 2

export interface UploadProgress {
  /** Bytes of the source that are durable. */
  readonly storedBytes: Bytes
}

export interface UploadBlocksOptions extends AbortOptions {
  /** Keep them at least until then; the store's time to live by default. */
  readonly expiry?: Seconds | undefined
  readonly progress?: ((progress: UploadProgress) => void) | undefined
}

/**
 * Data reference §4. Blocks and their leaves are stored under `treeId` group by group, so that from the first one on they count as referred to
 * and no removal of another dataset can take them away. Their commits are relaxed: the strict one that brings the manifest makes all before it
 * durable, and until then a power cut loses an upload that would be swept anyway.
 * @throws CodexError `upload/empty`, as `RepoStore.put`, what the source throws, the signal's reason; what was stored by then stays
 */
export async function uploadBlocks(
  repo: RepoStore,
  treeId: number,
  source: AsyncIterable<Uint8Array>,
  { expiry = repo.defaultExpiry(), signal, progress }: UploadBlocksOptions,
): Promise<{ readonly tree: MerkleTree; readonly datasetSize: Bytes }> {
  const builder = new MerkleBuilder()
  const ring = new BufferRing(() => repo.parts.hasher.memory(PUT_GROUP_BYTES))
  const inFlight: Promise<void>[] = []
  const reading = new AbortController()
  const groups = chunkGroups(source, ring, AbortSignal.any([signal, reading.signal]))
  let datasetSize = 0
  let storedBytes = 0
  try {
    for await (const { chunks, dataBytes } of readAhead(groups)) {
      const blocks = await hashBlocks(repo.parts.hasher, chunks)
      const indices = blocks.map((_, i) => builder.leafCount + i)
      for (const { cid } of blocks) builder.push(cid.digest)
      datasetSize += dataBytes
      const group = repo.putMany(blocks, { expiry, leaves: { treeId, indices }, durability: 'relaxed' }).then(() => {
        ring.giveBack(chunks)
        storedBytes += dataBytes
        progress?.({ storedBytes })
      })
      // Its failure is met by the await below; until then it must not count as unhandled.
      group.catch(() => undefined)
      inFlight.push(group)
      if (inFlight.length >= GROUPS_IN_FLIGHT) await inFlight.shift()
    }
    await Promise.all(inFlight)
  } finally {
    reading.abort()
    // Nothing may still be on its way into the store when the caller cleans up.
    await Promise.allSettled(inFlight)
  }
  if (datasetSize === 0) throw new CodexError('upload/empty', 'an empty file has no blocks and cannot be a dataset')
  return { tree: builder.finish(), datasetSize }
}
