// Datasets: files in the store. Upload makes blocks, leaves and a manifest of a stream; read, list and remove work from the manifest.
// A dataset exists from the commit of its manifest, which is last on the way in and first on the way out.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Mutex } from '../lib/mutex.ts'
import type { Seconds } from '../lib/units.ts'
import { manifestCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import { equalCids, isManifestCid } from '../protocol/cid.ts'
import { plainManifest } from '../protocol/describeupload.ts'
import type { Manifest, PlainManifest } from '../protocol/manifest.ts'
import { decodeManifest, encodeManifest } from '../protocol/manifestcodec.ts'
import type { MerkleTree } from '../protocol/merkletree.ts'
import { treeCid } from '../protocol/merkletree.ts'
import type { Change, Key } from './datastore.ts'
import type { DropBlockOptions, DropOutcome } from './dropblock.ts'
import { sweepTree } from './dropleaves.ts'
import type { DamagedDataset, DatasetEntry } from './listdatasets.ts'
import { isComplete, listDatasets } from './listdatasets.ts'
import type { ReadRange } from './readdataset.ts'
import { readDataset } from './readdataset.ts'
import type { RepoStore } from './repostore.ts'
import { RECORDS_PER_PAGE } from './storeparts.ts'
import { HOLDERS_PREFIX, holderKey, holdersKey, readHolderKey } from './treeholder.ts'
import { nodeChanges } from './treenodes.ts'
import { SWEEPS_PREFIX, encodeTreeRecord, idOf, nextTreeId, readTreeRecord, sweepKey, treeKey } from './treerecord.ts'
import type { UploadBlocksOptions } from './uploadblocks.ts'
import { uploadBlocks } from './uploadblocks.ts'
import { verifyBlocks } from './verifiedblock.ts'

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

export class Datasets {
  readonly #repo: RepoStore
  readonly #log: Log
  /** Who holds which tree is decided by one at a time: the end of an upload must not meet a removal half-way. */
  readonly #holding = new Mutex()
  readonly #closing = new AbortController()
  readonly #uploads = new Set<Promise<unknown>>()
  /** Trees of uploads under way: noted to be swept like those of a crash, and not to be. */
  readonly #growing = new Set<number>()

  constructor(repo: RepoStore, log: Log) {
    this.#repo = repo
    this.#log = log
  }

  /** Finishes what a crash left half done: what an interrupted upload stored goes, and what a removal had left. */
  async recover({ signal }: AbortOptions): Promise<void> {
    for await (const [key] of this.#repo.parts.datastore.entries(SWEEPS_PREFIX, { signal })) {
      if (this.#growing.has(idOf(key))) continue
      this.#log.info('removing what an interrupted upload or removal left behind', { treeId: idOf(key) })
      await this.#undo(idOf(key), signal)
    }
  }

  /**
   * Stores a stream as a dataset; settles when all of it is durable. A failed or aborted upload leaves nothing behind.
   * @throws CodexError `manifest/bad-text` for names no manifest can hold, `upload/empty`, `upload/outlived`, `store/quota-exceeded`, `slab/full`,
   * `datastore/full`, what the source throws, the signal's reason
   */
  async upload(source: AsyncIterable<Uint8Array>, options: UploadOptions): Promise<Upload> {
    const upload = this.#upload(source, {
      ...options,
      signal: AbortSignal.any([options.signal, this.#closing.signal]),
    })
    this.#uploads.add(upload)
    try {
      return await upload
    } finally {
      this.#uploads.delete(upload)
    }
  }

  /** Ends uploads under way, and waits until they have cleaned up. */
  async close(): Promise<void> {
    this.#closing.abort(new CodexError('store/closed', 'the store was closed while an upload was under way'))
    await Promise.allSettled(this.#uploads)
  }

  async #upload(source: AsyncIterable<Uint8Array>, options: UploadOptions): Promise<Upload> {
    options.signal.throwIfAborted()
    // Bad names are refused before the first byte, not after the last.
    plainManifest(treeCid(new Uint8Array(32)), 1, options)
    const treeId = await this.#beginTree()
    try {
      // One expiry for all of it, so that it ends as a whole.
      const whole = { ...options, expiry: options.expiry ?? this.#repo.defaultExpiry() }
      const { tree, datasetSize } = await uploadBlocks(this.#repo, treeId, source, whole)
      const manifest = plainManifest(treeCid(tree.root), datasetSize, options)
      const cid = await this.#holding.run(() => this.#finish(treeId, tree, manifest, whole))
      return { cid, manifest, blocks: tree.leafCount }
    } catch (error) {
      await this.#undo(treeId)
      throw error
    } finally {
      this.#growing.delete(treeId)
    }
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
    yield* readDataset(this.#repo, await this.manifest(cid), options)
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
   * Removes a dataset from this store: the manifest, then the leaves of its tree unless another manifest holds it, and every block that
   * nothing else refers to. A CID of another kind removes that one block, if nothing refers to it.
   * @returns `in use` for such a block, and with `onlyExpired` for a dataset whose time is not over
   */
  async remove(
    cid: Cid,
    { signal, onlyExpired }: AbortOptions & Pick<DropBlockOptions, 'onlyExpired'>,
  ): Promise<'removed' | 'absent' | 'in use'> {
    const tree = isManifestCid(cid) ? await this.#treeOf(cid, signal) : undefined
    const outcome =
      tree === undefined
        ? await this.#repo.drop(cid, { onlyExpired })
        : await this.#holding.run(() => this.#letGo(cid, tree, { signal, onlyExpired }), { signal })
    return outcome === 'dropped' ? 'removed' : outcome
  }

  async #letGo(
    cid: Cid,
    tree: Cid,
    { signal, onlyExpired }: AbortOptions & Pick<DropBlockOptions, 'onlyExpired'>,
  ): Promise<DropOutcome> {
    const { datastore } = this.#repo.parts
    const holders: Key[] = []
    for await (const [key] of datastore.entries(holdersKey(tree), { signal })) {
      holders.push(key)
      if (holders.length > 1) break
    }
    const record = await readTreeRecord(datastore, tree)
    // A tree that no manifest held, such as that of a manifest fetched from a peer, is not ours to drop.
    const isHeld = (await datastore.get(holderKey(tree, cid))) !== undefined
    const isLast = record !== undefined && holders.length === 1 && isHeld
    const also: Change[] = [
      { drop: holderKey(tree, cid) },
      ...(isLast ? [{ drop: treeKey(tree) }, { put: sweepKey(record.id), value: NOTHING }] : []),
    ]
    const outcome = await this.#repo.drop(cid, { also, onlyExpired })
    if (isLast && outcome !== 'in use') await sweepTree(this.#repo.parts, record.id, signal)
    // Of a dataset whose manifest was lost, the rest has gone now.
    return outcome === 'absent' && isHeld ? 'dropped' : outcome
  }

  /** From the manifest, or from who holds what when that is damaged or gone; undefined when nothing is known of it. */
  async #treeOf(cid: Cid, signal: AbortSignal): Promise<Cid | undefined> {
    try {
      return (await this.manifest(cid)).treeCid
    } catch (error) {
      if (!CodexError.is(error, 'dataset/not-found'))
        this.#log.warn('removing a damaged manifest', { cid: String(cid), error })
    }
    for await (const [key] of this.#repo.parts.datastore.entries(HOLDERS_PREFIX, { signal })) {
      const { tree, manifest } = readHolderKey(key)
      if (equalCids(manifest, cid)) return tree
    }
    return undefined
  }

  /** A number for a new tree, noted to be swept until the upload has ended well. */
  #beginTree(): Promise<number> {
    const { ledger, datastore } = this.#repo.parts
    return ledger.update(async () => {
      const [id, taken] = await nextTreeId(datastore)
      this.#growing.add(id)
      return [{ changes: [taken, { put: sweepKey(id), value: NOTHING }] }, id]
    })
  }

  /**
   * The one commit that makes the dataset: manifest, who holds the tree, and the tree's CID for the number. Bytes that were here before lie
   * under another number; the fresh leaves and nodes take over, since they are whole for certain, and the old ones go.
   */
  async #finish(treeId: number, tree: MerkleTree, manifest: PlainManifest, options: WholeOptions): Promise<Cid> {
    const { datastore, hasher, clock } = this.#repo.parts
    await this.#storeNodes(treeId, tree, options.signal)
    const bytes = encodeManifest(manifest)
    const cid = manifestCid(bytes)
    const { expiry } = options
    let superseded: number | undefined
    const also = async (): Promise<Change[]> => {
      if (expiry < clock.now()) throw outlived(expiry)
      superseded = (await readTreeRecord(datastore, manifest.treeCid))?.id
      const record = { id: treeId, leafCount: tree.leafCount, hasNodes: true }
      return [
        { put: treeKey(manifest.treeCid), value: encodeTreeRecord(record) },
        { put: holderKey(manifest.treeCid, cid), value: NOTHING },
        { drop: sweepKey(treeId) },
        ...(superseded === undefined ? [] : [{ put: sweepKey(superseded), value: NOTHING }]),
      ]
    }
    await this.#repo.putMany(await verifyBlocks(hasher, [{ cid, bytes }]), { expiry, also })
    if (superseded !== undefined) await this.#undo(superseded)
    return cid
  }

  async #storeNodes(treeId: number, tree: MerkleTree, signal: AbortSignal): Promise<void> {
    let changes: Change[] = []
    for (const change of nodeChanges(treeId, tree)) {
      changes.push(change)
      if (changes.length < RECORDS_PER_PAGE) continue
      signal.throwIfAborted()
      await this.#repo.parts.datastore.commit(changes)
      changes = []
    }
    await this.#repo.parts.datastore.commit(changes)
  }

  /**
   * Drops what lies under the number if it is noted to go: a commit whose answer was lost may have made it a dataset's. A failure is no
   * reason for the caller to fail; the note stays for the next start.
   */
  async #undo(treeId: number, signal: AbortSignal = NEVER): Promise<void> {
    const { parts } = this.#repo
    try {
      if ((await parts.datastore.get(sweepKey(treeId))) === undefined) return
      await sweepTree(parts, treeId, signal)
    } catch (error) {
      this.#log.warn('blocks that nobody needs stay until the next start', { treeId, error })
    }
  }
}

type WholeOptions = UploadOptions & { readonly expiry: Seconds }

function outlived(expiry: Seconds): CodexError<'upload/outlived'> {
  return new CodexError(
    'upload/outlived',
    'the upload took longer than its blocks are kept: give it a later expiry or time to live',
    {
      detail: { expiry },
    },
  )
}

/** Cleaning up after a failure must finish, whoever gave up waiting. */
const NEVER = new AbortController().signal
const NOTHING = new Uint8Array(0)
