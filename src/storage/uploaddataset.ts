// Upload: stream -> blocks -> tree -> leaves -> manifest. While one group of blocks is written and flushed the next is read and hashed.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { manifestCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { makeCid } from '../protocol/cid.ts'
import type { DigestList } from '../protocol/digestlist.ts'
import type { PlainManifest } from '../protocol/manifest.ts'
import { plainManifest } from '../protocol/describeupload.ts'
import { encodeManifest } from '../protocol/manifestcodec.ts'
import type { MerkleTree } from '../protocol/merkletree.ts'
import { MerkleBuilder, treeCid } from '../protocol/merkletree.ts'
import { CODEX_BLOCK, SHA2_256 } from '../protocol/multicodec.ts'
import { BufferRing, chunkGroups } from './chunkgroups.ts'
import type { Key } from './datastore.ts'
import type { Leaf } from './leafrecord.ts'
import { PUT_GROUP_BYTES } from './putgatherer.ts'
import type { RepoStore } from './repostore.ts'
import { RECORDS_PER_PAGE } from './storeparts.ts'
import { hashBlocks, verifyBlocks } from './verifiedblock.ts'

/** Groups being written while the next is read; more would only cost memory, the disk takes one at a time. */
const GROUPS_IN_FLIGHT = 2

export interface UploadProgress {
  /** Bytes of the source that are durable. */
  readonly storedBytes: Bytes
}

export interface UploadOptions {
  readonly filename?: string | undefined
  readonly mimetype?: string | undefined
  /** Keep it at least until then; the store's time to live by default. */
  readonly expiry?: Seconds | undefined
  readonly progress?: ((progress: UploadProgress) => void) | undefined
}

export interface Upload {
  readonly cid: Cid
  readonly manifest: PlainManifest
  /** Blocks of the dataset, those the store had already included. */
  readonly blocks: number
}

export interface UploadParts {
  readonly repo: RepoStore
  /** Filled with the blocks that this upload brought into the store. */
  readonly stored: DigestList
  /** Runs the steps that make the tree part of the store, alone. */
  attach<T>(tree: Cid, work: (sweep: Key, holder: (manifest: Cid) => Key) => Promise<T>): Promise<T>
}

/** Data-and-proofs reference §4. See `Datasets.upload` for what it promises. */
export async function uploadDataset(
  parts: UploadParts,
  source: AsyncIterable<Uint8Array>,
  options: UploadOptions & AbortOptions,
): Promise<Upload> {
  const { repo } = parts
  refuseBadNames(options)
  const expiry = options.expiry ?? repo.defaultExpiry()
  const { tree, datasetSize } = await storeBlocks(parts, source, expiry, options)
  const manifest = plainManifest(treeCid(tree.root), datasetSize, options)
  const bytes = encodeManifest(manifest)
  const cid = manifestCid(bytes)
  await parts.attach(manifest.treeCid, async (sweep, holder) => {
    for (let first = 0; first < tree.leafCount; first += RECORDS_PER_PAGE) {
      options.signal.throwIfAborted()
      const leaves = leafPage(tree, first)
      await repo.putLeaves(manifest.treeCid, leaves, first === 0 ? [{ put: sweep, value: new Uint8Array(0) }] : [])
    }
    const blocks = await verifyBlocks(repo.parts.hasher, [{ cid, bytes }])
    await repo.putMany(blocks, { expiry, also: [{ put: holder(cid), value: new Uint8Array(0) }, { drop: sweep }] })
  })
  return { cid, manifest, blocks: tree.leafCount }
}

/** Before the first byte is stored, not after the last. */
function refuseBadNames(names: UploadOptions): void {
  plainManifest(treeCid(new Uint8Array(32)), 1, names)
}

async function storeBlocks(
  { repo, stored }: UploadParts,
  source: AsyncIterable<Uint8Array>,
  expiry: Seconds,
  { signal, progress }: UploadOptions & AbortOptions,
): Promise<{ tree: MerkleTree; datasetSize: Bytes }> {
  const builder = new MerkleBuilder()
  const ring = new BufferRing(PUT_GROUP_BYTES)
  const inFlight: Promise<void>[] = []
  let datasetSize = 0
  let storedBytes = 0
  try {
    for await (const { chunks, dataBytes } of chunkGroups(source, ring, signal)) {
      const blocks = await hashBlocks(repo.parts.hasher, chunks)
      for (const { cid } of blocks) builder.push(cid.digest)
      datasetSize += dataBytes
      const group = repo.putMany(blocks, { expiry }).then((outcomes) => {
        blocks.forEach(({ cid }, i) => outcomes[i] === 'stored' && stored.push(cid.digest))
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
    // Nothing may still be on its way into the store when the caller cleans up.
    await Promise.allSettled(inFlight)
  }
  if (datasetSize === 0) throw new CodexError('upload/empty', 'an empty file has no blocks and cannot be a dataset')
  return { tree: builder.finish(), datasetSize }
}

function leafPage(tree: MerkleTree, first: number): Leaf[] {
  const count = Math.min(RECORDS_PER_PAGE, tree.leafCount - first)
  return Array.from({ length: count }, (_, i) => ({
    index: first + i,
    blockCid: makeCid(CODEX_BLOCK, SHA2_256, tree.leaf(first + i)),
    leafCount: tree.leafCount,
    path: tree.proof(first + i).path,
  }))
}
