// Fetching a dataset from peers into the store: its manifest, its blocks, and last the commit that makes it a dataset here. Stopped anywhere and
// called again it goes on where it was, because whatever came by then is stored. It looks for no peers: see peerfinder.ts.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { blocksCount, contentBytes } from '../protocol/manifest.ts'
import { decodeManifest } from '../protocol/manifestcodec.ts'
import type { Datasets } from '../storage/datasets.ts'
import { prolongDataset } from '../storage/prolongdataset.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { BlockExchange } from './blockexchange.ts'
import { Doorbell } from './doorbell.ts'
import { fetchBlock } from './fetchblock.ts'
import { fetchLeaves } from './fetchleaves.ts'
import { storeLeaves } from './storeleaves.ts'

/** What is fetched is kept so long at first: what nobody fetches to the end goes soon. Data that is whole gets the time to live of all data. */
export const UNFINISHED_SECONDS: Seconds = 24 * 3600
/** Blocks that went while others were fetched are fetched again so many times. */
const MAX_ROUNDS = 3
/** Blocks looked for in one question to the store. */
const LOOK_BLOCKS = 1024
/** Blocks handed to a reader at once. */
const PAGE_BLOCKS = 32

export interface FetchParts {
  readonly exchange: BlockExchange
  readonly repo: RepoStore
  readonly datasets: Datasets
}

export interface DatasetProgress {
  readonly totalBytes: Bytes
  /** Here before or fetched, by whole blocks. */
  readonly doneBytes: Bytes
  /** Fetched by this call. */
  readonly fetchedBytes: Bytes
  readonly peers: number
}

export interface FetchDatasetOptions extends AbortOptions {
  /** Without a single block for so long it fails. */
  readonly stallSeconds?: Seconds | undefined
  readonly progress?: ((progress: DatasetProgress) => void) | undefined
}

/**
 * The manifest of a dataset, from the store or else from peers; one that comes from peers is not stored.
 * @throws CodexError `dataset/not-a-manifest`, as {@link fetchBlock} and `decodeManifest`
 */
export async function fetchManifest(parts: FetchParts, cid: Cid, options: FetchDatasetOptions): Promise<Manifest> {
  try {
    return await parts.datasets.manifest(cid)
  } catch (error) {
    if (!CodexError.is(error, 'dataset/not-found')) throw error
  }
  return decodeManifest((await fetchBlock(parts.exchange, cid, options)).bytes)
}

/**
 * Settles when all content of the dataset is in the store, and the dataset with it. Of a protected dataset these are the blocks of the content,
 * not its parity.
 * @throws CodexError as {@link fetchManifest} and `fetchLeaves`, `store/quota-exceeded`
 */
export async function fetchDataset(parts: FetchParts, cid: Cid, options: FetchDatasetOptions): Promise<Manifest> {
  const manifest = await fetchManifest(parts, cid, options)
  await fetchContent(parts, cid, manifest, options)
  return manifest
}

/**
 * The bytes of a dataset in order, as they come; what was read is in the store then, and at the end the dataset.
 * @throws CodexError as {@link fetchDataset} and `readDataset`
 */
export async function* streamDataset(
  parts: FetchParts,
  cid: Cid,
  manifest: Manifest,
  options: FetchDatasetOptions,
): AsyncGenerator<Uint8Array, void> {
  const bell = new Doorbell()
  const ending = new AbortController()
  const signal = AbortSignal.any([options.signal, ending.signal])
  let failure: { readonly error: unknown } | undefined
  let isWhole = false
  const fetching = fetchContent(parts, cid, manifest, { ...options, signal, progress: () => bell.ring() })
    .then(() => {
      isWhole = true
    })
    .catch((error: unknown) => {
      failure = { error }
    })
    .finally(() => bell.ring())
  try {
    const { readDataset } = await import('../storage/readdataset.ts')
    const { blockSize, treeCid } = manifest
    const total = contentBlocks(manifest)
    for (let first = 0; first < total; first += PAGE_BLOCKS) {
      const count = Math.min(PAGE_BLOCKS, total - first)
      const page = Array.from({ length: count }, (_, i) => ({ treeCid, index: first + i }))
      while (!isWhole && (await parts.exchange.has(page)).includes(false)) {
        if (failure !== undefined) throw failure.error
        await bell.wait({ signal })
      }
      const offset = first * blockSize
      const length = Math.min(count * blockSize, contentBytes(manifest) - offset)
      yield* readDataset(parts.repo, manifest, { offset, length, signal })
    }
    await fetching
    if (failure !== undefined) throw failure.error
  } finally {
    ending.abort(new CodexError('exchange/nobody-reads', 'whoever read the dataset has stopped'))
    await fetching
  }
}

async function fetchContent(
  parts: FetchParts,
  cid: Cid,
  manifest: Manifest,
  options: FetchDatasetOptions,
): Promise<void> {
  await checkRoom(parts.repo, manifest)
  for (let round = 1; ; round++) {
    await fetchBlocks(parts, manifest, options)
    await finish(parts, cid, manifest, options)
    if (await isHere(parts, manifest, options)) return
    if (round === MAX_ROUNDS)
      throw new CodexError('dataset/incomplete', `blocks of dataset ${cid} went while others were fetched; try again`, {
        detail: { cid: String(cid) },
      })
  }
}

/** Before as much is listed as a manifest may claim. @throws CodexError `store/quota-exceeded` */
async function checkRoom(repo: RepoStore, manifest: Manifest): Promise<void> {
  const { quotaMaxBytes } = await repo.space()
  const bytes = contentBlocks(manifest) * manifest.blockSize
  if (bytes <= quotaMaxBytes) return
  throw new CodexError(
    'store/quota-exceeded',
    `the dataset has ${bytes} bytes, more than the whole quota of ${quotaMaxBytes}; give more with --storage-quota`,
    { detail: { neededBytes: bytes, quotaBytes: quotaMaxBytes } },
  )
}

async function fetchBlocks(
  { exchange, repo }: FetchParts,
  manifest: Manifest,
  { signal, stallSeconds, progress }: FetchDatasetOptions,
): Promise<void> {
  const { treeCid, blockSize } = manifest
  const leafCount = blocksCount(manifest)
  const expiry = repo.parts.clock.now() + UNFINISHED_SECONDS
  const totalBytes = contentBlocks(manifest) * blockSize
  await fetchLeaves(exchange, {
    treeCid,
    leafCount,
    indices: Array.from({ length: contentBlocks(manifest) }, (_, index) => index),
    sink: storeLeaves(repo, treeCid, leafCount, { expiry, durability: 'relaxed' }),
    blockSize,
    stallSeconds,
    signal,
    progress: ({ doneBlocks, fetchedBytes }) =>
      progress?.({ totalBytes, doneBytes: doneBlocks * blockSize, fetchedBytes, peers: exchange.peers().length }),
  })
}

/** One strict commit, which makes all before it durable; from then on the tree is held. Only then is everything kept for long. */
async function finish(
  { datasets, repo }: FetchParts,
  cid: Cid,
  manifest: Manifest,
  { signal }: AbortOptions,
): Promise<void> {
  const expiry = repo.parts.clock.now() + UNFINISHED_SECONDS
  const holding = [{ manifest, holds: [manifest.treeCid] }]
  await datasets.trees.grow({ signal }, (growth) => growth.finish([], holding, expiry))
  await prolongDataset(repo, cid, manifest, repo.defaultExpiry(), { signal })
}

async function isHere({ exchange }: FetchParts, manifest: Manifest, { signal }: AbortOptions): Promise<boolean> {
  const { treeCid } = manifest
  const total = contentBlocks(manifest)
  for (let first = 0; first < total; first += LOOK_BLOCKS) {
    signal.throwIfAborted()
    const count = Math.min(LOOK_BLOCKS, total - first)
    const page = Array.from({ length: count }, (_, i) => ({ treeCid, index: first + i }))
    if ((await exchange.has(page)).includes(false)) return false
  }
  return true
}

function contentBlocks(manifest: Manifest): number {
  return Math.ceil(contentBytes(manifest) / manifest.blockSize)
}
