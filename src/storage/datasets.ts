// Datasets: files in the store. Upload makes blocks, leaves and a manifest of a stream; read, list and remove work from the manifest.
// A dataset exists from the commit of its manifest, which is last on the way in and first on the way out.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { Cid } from '../protocol/cid.ts'
import { equalCids, isManifestCid } from '../protocol/cid.ts'
import { plainManifest } from '../protocol/describeupload.ts'
import type { Manifest, PlainManifest } from '../protocol/manifest.ts'
import { decodeManifest } from '../protocol/manifestcodec.ts'
import { treeCid } from '../protocol/merkletree.ts'
import type { DropBlockOptions } from './dropblock.ts'
import { HeldTrees } from './heldtrees.ts'
import type { DamagedDataset, DatasetEntry } from './listdatasets.ts'
import { isComplete, listDatasets } from './listdatasets.ts'
import type { ReadRange, RecoverBlocks } from './readdataset.ts'
import { readDataset } from './readdataset.ts'
import type { RepoStore } from './repostore.ts'
import { HOLDERS_PREFIX, readHolderKey, treesOf } from './treeholder.ts'
import { nodeChanges } from './treenodes.ts'
import type { UploadBlocksOptions } from './uploadblocks.ts'
import { uploadBlocks } from './uploadblocks.ts'

export interface UploadOptions extends UploadBlocksOptions {
  readonly filename?: string | undefined
  readonly mimetype?: string | undefined
}

export interface Upload {
  readonly cid: Cid
  readonly manifest: PlainManifest
  /** Blocks of the dataset, those the store had already included. */
  readonly blocks: number
}

/** A manifest, and the trees that would go with it where nothing else holds them. */
export interface DatasetToRemove {
  readonly cid: Cid
  readonly trees: readonly Cid[]
}

/** Why a dataset must stay, whoever asks: rooms above may need what the store knows no reason for. Undefined where nothing is against it. */
export type WhyKept = (dataset: DatasetToRemove, options: AbortOptions) => Promise<CodexError | undefined>

export class Datasets {
  readonly #repo: RepoStore
  readonly #log: Log
  readonly #recover: RecoverBlocks | undefined
  readonly #whyKept: WhyKept | undefined
  /** For whoever makes datasets of other kinds in this store. */
  readonly trees: HeldTrees

  /**
   * @param recover for reading datasets with parity of which blocks are lost; without it that fails
   * @param whyKept asked before a dataset is removed, or let go when its time is over
   */
  constructor(repo: RepoStore, log: Log, recover?: RecoverBlocks, whyKept?: WhyKept) {
    this.#repo = repo
    this.#recover = recover
    this.#whyKept = whyKept
    this.#log = log
    this.trees = new HeldTrees(repo, log)
  }

  /** As {@link HeldTrees.recover}. */
  recover(options: AbortOptions): Promise<void> {
    return this.trees.recover(options)
  }

  /**
   * Stores a stream as a dataset; settles when all of it is durable. A failed or aborted upload leaves nothing behind.
   * @throws CodexError `manifest/bad-text` for names no manifest can hold, `upload/empty`, `upload/outlived`, `store/quota-exceeded`, `slab/full`,
   * `datastore/full`, what the source throws, the signal's reason
   */
  upload(source: AsyncIterable<Uint8Array>, options: UploadOptions): Promise<Upload> {
    return this.trees.grow(options, async (growth) => {
      // Bad names are refused before the first byte, not after the last.
      plainManifest(treeCid(new Uint8Array(32)), 1, options)
      const treeId = await growth.begin()
      // One expiry for all of it, so that it ends as a whole.
      const expiry = options.expiry ?? this.#repo.defaultExpiry()
      const whole = { ...options, expiry, signal: growth.signal }
      const { tree, datasetSize } = await uploadBlocks(this.#repo, treeId, source, whole)
      const manifest = plainManifest(treeCid(tree.root), datasetSize, options)
      await growth.store(nodeChanges(treeId, tree))
      const grown = { treeId, cid: manifest.treeCid, leafCount: tree.leafCount }
      const [cid] = await growth.finish([grown], [{ manifest, holds: treesOf(manifest) }], expiry)
      return { cid: cid as Cid, manifest, blocks: tree.leafCount }
    })
  }

  /** Ends what is being stored, and waits until it has cleaned up, unless {@link HeldTrees.leaveSweeps} was called. */
  close(): Promise<void> {
    return this.trees.close()
  }

  /**
   * The manifest of a dataset in the store.
   * @throws CodexError `dataset/not-a-manifest`, `dataset/not-found`, and as `decodeManifest` for one that is no manifest
   */
  async manifest(cid: Cid): Promise<Manifest> {
    if (!isManifestCid(cid))
      throw new CodexError('dataset/not-a-manifest', `${cid} names no dataset: the CID of a manifest begins with zDv`, {
        detail: { cid: String(cid) },
      })
    const bytes = await this.#repo.get(cid)
    if (bytes !== undefined) return decodeManifest(bytes)
    throw new CodexError('dataset/not-found', `dataset ${cid} is not in the store`, { detail: { cid: String(cid) } })
  }

  /** The bytes of a dataset or a part of them, as they were uploaded. @throws CodexError as {@link readDataset} and {@link Datasets.manifest} */
  async *read(cid: Cid, options: ReadRange & AbortOptions): AsyncGenerator<Uint8Array, void> {
    yield* readDataset(this.#repo, await this.manifest(cid), { ...options, recover: this.#recover })
  }

  /** Every dataset in the store as {@link listDatasets}: damaged ones too, for the caller to tell of. */
  list({ signal }: AbortOptions): AsyncGenerator<DatasetEntry | DamagedDataset, void> {
    return listDatasets(this.#repo, signal)
  }

  /** Those of {@link Datasets.list} that cannot be read back in full, as far as the index tells: to be stored again or removed. */
  async *incomplete({ signal }: AbortOptions): AsyncGenerator<DatasetEntry | DamagedDataset, void> {
    for await (const entry of this.list({ signal }))
      if (entry.manifest === undefined || !(await isComplete(this.#repo, entry.manifest, signal))) yield entry
  }

  /**
   * Removes a dataset from this store: the manifest, then the leaves of its trees unless another manifest holds them, and every block that
   * nothing else refers to. A CID of another kind removes that one block, if nothing refers to it.
   * @returns `in use` for such a block, and with `onlyExpired` for a dataset that must stay
   * @throws CodexError what {@link WhyKept} names
   */
  async remove(
    cid: Cid,
    options: AbortOptions & Pick<DropBlockOptions, 'onlyExpired'>,
  ): Promise<'removed' | 'absent' | 'in use'> {
    const trees = isManifestCid(cid) ? await this.#treesOf(cid, options.signal) : []
    const why = isManifestCid(cid) ? await this.#whyKept?.({ cid, trees }, options) : undefined
    if (why !== undefined && options.onlyExpired === true) return 'in use'
    if (why !== undefined) throw why
    const outcome =
      trees.length === 0 ? await this.#repo.drop(cid, options) : await this.trees.letGo(cid, trees, options)
    return outcome === 'dropped' ? 'removed' : outcome
  }

  /** From the manifest, or from who holds what when that is damaged or gone; none when nothing is known of it. */
  async #treesOf(cid: Cid, signal: AbortSignal): Promise<readonly Cid[]> {
    try {
      return treesOf(await this.manifest(cid))
    } catch (error) {
      if (!CodexError.is(error, 'dataset/not-found'))
        this.#log.warn('removing a damaged manifest', { cid: String(cid), error })
    }
    const trees: Cid[] = []
    for await (const [key] of this.#repo.parts.datastore.entries(HOLDERS_PREFIX, { signal })) {
      const { tree, manifest } = readHolderKey(key)
      if (equalCids(manifest, cid)) trees.push(tree)
    }
    return trees
  }
}
