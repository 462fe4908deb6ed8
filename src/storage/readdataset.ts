// Reading a dataset back, or a range of it: leaves say which blocks, the store checks each one's hash, padding is cut off.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
import type { Manifest, ProtectedManifest, VerifiableManifest } from '../protocol/manifest.ts'
import { contentBytes } from '../protocol/manifest.ts'
import { findBlocks } from './findblocks.ts'
import type { RepoStore } from './repostore.ts'
import type { VerifiedBlock } from './verifiedblock.ts'

/** Read ahead in pages of about this size; two are in memory at a time. */
const PAGE_BYTES: Bytes = 2 * MiB

export interface ReadRange {
  /** First byte, 0 by default. */
  readonly offset?: Bytes | undefined
  /** Bytes from there, up to the end by default. */
  readonly length?: Bytes | undefined
}

/** Computes blocks of a protected dataset, in order, from others in the store; rejects with `erasure/too-few-rows` where there are not enough of them. */
export type RecoverBlocks = (
  manifest: ProtectedManifest | VerifiableManifest,
  indices: readonly number[],
  options: AbortOptions,
) => Promise<readonly VerifiedBlock[]>

/**
 * The original bytes in order, in pieces. Of a protected dataset these are the first blocks of the protected tree (reference §4); those that are lost are
 * computed by `recover`, and not stored.
 * @throws CodexError `dataset/bad-range`, `dataset/block-missing` and for protected datasets `dataset/block-damaged` naming the index, for others
 * `store/block-corrupted`, what `recover` throws, the signal's reason
 */
export async function* readDataset(
  repo: RepoStore,
  manifest: Manifest,
  { offset = 0, length, recover, signal }: ReadRange & AbortOptions & { readonly recover?: RecoverBlocks | undefined },
): AsyncGenerator<Uint8Array, void> {
  const size = contentBytes(manifest)
  const end = offset + (length ?? size - offset)
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(end) || offset < 0 || end < offset || end > size)
    throw new CodexError('dataset/bad-range', `bytes ${offset} to ${end} lie outside a dataset of ${size} bytes`, {
      detail: { offset, end, sizeBytes: size },
    })
  const { blockSize } = manifest
  const perPage = Math.max(1, Math.floor(PAGE_BYTES / blockSize))
  const last = Math.ceil(end / blockSize)
  const readPage = (first: number): Promise<Uint8Array[]> =>
    blocksFrom(repo, manifest, { first, end: Math.min(first + perPage, last) }, { recover, signal })
  let first = Math.floor(offset / blockSize)
  let page = end > offset ? readPage(first) : Promise.resolve([])
  while (first < last && end > offset) {
    signal.throwIfAborted()
    const blocks = await page
    const next = first + blocks.length
    page = next < last ? readPage(next) : Promise.resolve([])
    // Met by the await above, unless the reader stops first.
    page.catch(() => undefined)
    for (const [i, block] of blocks.entries()) {
      const start = (first + i) * blockSize
      yield block.subarray(Math.max(0, offset - start), Math.min(blockSize, end - start))
    }
    first = next
  }
}

async function blocksFrom(
  repo: RepoStore,
  manifest: Manifest,
  { first, end }: { readonly first: number; readonly end: number },
  options: AbortOptions & { readonly recover?: RecoverBlocks | undefined },
): Promise<Uint8Array[]> {
  const { treeCid, blockSize } = manifest
  const indices = Array.from({ length: end - first }, (_, i) => first + i)
  if (manifest.kind !== 'plain') return codedBlocks(repo, manifest, indices, options)
  const blocks = await repo.getAt(treeCid, indices)
  return blocks.map((block, i) => {
    if (block === undefined)
      throw new CodexError('dataset/block-missing', `block ${first + i} of the dataset is not in the store`, {
        detail: { index: first + i, treeCid: String(treeCid) },
      })
    // The empty block stands for zeros.
    if (block.length === 0) return new Uint8Array(blockSize)
    if (block.length === blockSize) return block
    throw new CodexError(
      'dataset/block-missing',
      `block ${first + i} has ${block.length} bytes, its manifest says ${blockSize}`,
      {
        detail: { index: first + i, foundBytes: block.length, blockSize },
      },
    )
  })
}

/** What is missing or damaged is computed from the rest, where there is enough of it. */
async function codedBlocks(
  repo: RepoStore,
  manifest: ProtectedManifest | VerifiableManifest,
  indices: readonly number[],
  { recover, signal }: AbortOptions & { readonly recover?: RecoverBlocks | undefined },
): Promise<Uint8Array[]> {
  const { treeCid, blockSize } = manifest
  const found = await findBlocks(repo, treeCid, indices, blockSize)
  const lost = indices.filter((_, i) => typeof found[i] === 'string')
  const recovered = lost.length === 0 ? [] : await recoverLost(lost)
  let next = 0
  return found.map((block) => {
    const { bytes } = typeof block === 'string' ? (recovered[next++] as VerifiedBlock) : block
    // Padding of a protected dataset: the empty block stands for zeros.
    return bytes.length === 0 ? new Uint8Array(blockSize) : bytes
  })

  async function recoverLost(places: readonly number[]): Promise<readonly VerifiedBlock[]> {
    const [index = 0] = places
    const isDamaged = found[indices.indexOf(index)] === 'damaged'
    const refusal = (why: string, cause?: unknown): CodexError =>
      new CodexError(
        isDamaged ? 'dataset/block-damaged' : 'dataset/block-missing',
        `block ${index} of the dataset ${isDamaged ? 'is damaged on disk' : 'is not in the store'}${why}: \`slots repair\` rebuilds it once enough of the other slots are here`,
        { detail: { index, treeCid: String(treeCid) }, cause },
      )
    if (recover === undefined) throw refusal('')
    try {
      return await recover(manifest, places, { signal })
    } catch (error) {
      if (!CodexError.is(error, 'erasure/too-few-rows')) throw error
      throw refusal(' and too few others are to compute it', error)
    }
  }
}
