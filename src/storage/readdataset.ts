// Reading a dataset back, or a range of it: leaves say which blocks, the store checks each one's hash, padding is cut off.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import { MiB } from '../lib/units.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { contentBytes } from '../protocol/manifest.ts'
import type { RepoStore } from './repostore.ts'

/** Read ahead in pages of about this size; two are in memory at a time. */
const PAGE_BYTES: Bytes = 2 * MiB

export interface ReadRange {
  /** First byte, 0 by default. */
  readonly offset?: Bytes | undefined
  /** Bytes from there, up to the end by default. */
  readonly length?: Bytes | undefined
}

/**
 * The original bytes in order, in pieces. Of a protected dataset these are the first blocks of the protected tree (reference §4).
 * @throws CodexError `dataset/bad-range`, `dataset/block-missing` naming the index, `store/block-corrupted`, the signal's reason
 */
export async function* readDataset(
  repo: RepoStore,
  manifest: Manifest,
  { offset = 0, length, signal }: ReadRange & AbortOptions,
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
    blocksFrom(repo, manifest, first, Math.min(first + perPage, last))
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
  { treeCid, blockSize }: Manifest,
  first: number,
  end: number,
): Promise<Uint8Array[]> {
  const indices = Array.from({ length: end - first }, (_, i) => first + i)
  const blocks = await repo.getAt(treeCid, indices)
  return blocks.map((block, i) => {
    if (block === undefined)
      throw new CodexError('dataset/block-missing', `block ${first + i} of the dataset is not in the store`, {
        detail: { index: first + i, treeCid: String(treeCid) },
      })
    // Padding of a protected dataset: the empty block stands for zeros.
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
