// Datasets: files in the store. Upload makes blocks, leaves and a manifest of a stream; read, list and remove work from the manifest.
// A dataset exists from the moment its manifest is committed, which is last on the way in and first on the way out.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Mutex } from '../lib/mutex.ts'
import type { Cid } from '../protocol/cid.ts'
import { decodeCid, isManifestCid, makeCid } from '../protocol/cid.ts'
import { DigestList } from '../protocol/digestlist.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { decodeManifest } from '../protocol/manifestcodec.ts'
import { CODEX_BLOCK, CODEX_MANIFEST, SHA2_256 } from '../protocol/multicodec.ts'
import { encodeVarint } from '../protocol/varint.ts'
import type { Change, Key } from './datastore.ts'
import type { ReadRange } from './readdataset.ts'
import { readDataset } from './readdataset.ts'
import type { RepoStore } from './repostore.ts'
import { INDEX_KEY_BYTES, joinKey } from './storagekey.ts'
import { BLOCKS_PREFIX, RECORDS_PER_PAGE, SWEEPS_PREFIX, TREES_PREFIX, leavesKey } from './storeparts.ts'
import type { Upload, UploadOptions } from './uploaddataset.ts'
import { uploadDataset } from './uploaddataset.ts'

export interface DatasetEntry {
  readonly cid: Cid
  readonly manifest: Manifest
}

/** A manifest's CID begins with these bytes: version 1, then the content codec. */
const MANIFESTS_PREFIX: Key = joinKey(BLOCKS_PREFIX, Uint8Array.of(1, ...encodeVarint(CODEX_MANIFEST)))

export class Datasets {
  readonly #repo: RepoStore
  readonly #log: Log
  /** Leaves of a tree are added and swept under this lock, so that one upload's end never meets another's removal half-way. */
  readonly #trees = new Mutex()
  #uploads = 0
  /** Blocks that nothing refers to. They go when no upload runs, because one under way may have met them and count on them. */
  #orphans: DigestList[] = []

  constructor(repo: RepoStore, log: Log) {
    this.#repo = repo
    this.#log = log
  }

  /** Finishes what a crash left half done: leaves that no manifest holds go. */
  async recover({ signal }: AbortOptions): Promise<void> {
    const { datastore } = this.#repo.parts
    for await (const [key] of datastore.entries(SWEEPS_PREFIX, { signal })) {
      const tree = decodeCid(key.slice(SWEEPS_PREFIX.length))
      this.#log.info('removing leaves that an interrupted upload or removal left behind', { tree: String(tree) })
      await this.#trees.run(() => this.#sweep(tree, signal), { signal })
    }
  }

  /**
   * Stores a stream as a dataset; settles when all of it is durable. A failed or aborted upload leaves nothing behind.
   * @throws CodexError `upload/empty`, `store/quota-exceeded`, `slab/full`, `datastore/full`, what the source throws, the signal's reason
   */
  async upload(source: AsyncIterable<Uint8Array>, options: UploadOptions & AbortOptions): Promise<Upload> {
    this.#uploads++
    const stored = new DigestList()
    try {
      return await uploadDataset(
        {
          repo: this.#repo,
          stored,
          attach: (tree, work) => this.#trees.run(() => this.#attach(tree, work), { signal: options.signal }),
        },
        source,
        options,
      )
    } catch (error) {
      this.#orphans.push(stored)
      throw error
    } finally {
      this.#uploads--
      if (this.#uploads === 0) await this.#dropOrphans()
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

  /** Every manifest in the store, in the order of their CIDs. One that cannot be read is reported and left out. */
  async *list({ signal }: AbortOptions): AsyncGenerator<DatasetEntry, void> {
    for await (const [key] of this.#repo.parts.datastore.entries(MANIFESTS_PREFIX, { signal })) {
      const cid = decodeCid(key.slice(BLOCKS_PREFIX.length))
      try {
        if (await this.#repo.has(cid)) yield { cid, manifest: await this.manifest(cid) }
      } catch (error) {
        this.#log.error('a manifest in the store cannot be read', { cid: String(cid), error })
      }
    }
  }

  /**
   * Removes a dataset from this store: the manifest, then the leaves of its tree unless another manifest holds it, and every block that
   * nothing else refers to. A CID of another kind removes that one block, if nothing refers to it.
   * @returns `in use` only for such a block: something refers to it, or an upload is under way that may
   */
  async remove(cid: Cid, { signal }: AbortOptions): Promise<'removed' | 'absent' | 'in use'> {
    if (!isManifestCid(cid)) {
      const outcome = await this.#repo.drop(cid, { held: () => this.#uploads > 0 })
      return outcome === 'dropped' ? 'removed' : outcome
    }
    const manifest = await this.#readable(cid)
    if (manifest === undefined) return (await this.#repo.drop(cid)) === 'dropped' ? 'removed' : 'absent'
    const tree = manifest.treeCid
    return this.#trees.run(
      async () => {
        const sweep: Change = { put: joinKey(SWEEPS_PREFIX, tree.bytes), value: new Uint8Array(0) }
        const [outcome] = await this.#repo.dropMany([cid], { also: [{ drop: holderKey(tree, cid) }, sweep] })
        await this.#sweep(tree, signal)
        return outcome === 'dropped' ? 'removed' : 'absent'
      },
      { signal },
    )
  }

  /** Undefined when it is not there or damaged: then there is nothing but its block to remove. */
  async #readable(cid: Cid): Promise<Manifest | undefined> {
    try {
      return await this.manifest(cid)
    } catch (error) {
      if (!CodexError.is(error, 'dataset/not-found'))
        this.#log.warn('removing a damaged manifest', { cid: String(cid), error })
      return undefined
    }
  }

  /** Runs the last steps of an upload; leaves without a manifest go again when they fail. */
  async #attach<T>(tree: Cid, work: (sweep: Key, holder: (manifest: Cid) => Key) => Promise<T>): Promise<T> {
    try {
      return await work(joinKey(SWEEPS_PREFIX, tree.bytes), (manifest) => holderKey(tree, manifest))
    } catch (error) {
      await this.#sweep(tree, NEVER).catch((cause: unknown) =>
        this.#log.warn('leaves of a failed upload stay until the next start', { tree: String(tree), error: cause }),
      )
      throw error
    }
  }

  /** Drops the leaves of a tree page by page unless a manifest holds it; the note that they must go is dropped last. */
  async #sweep(tree: Cid, signal: AbortSignal): Promise<void> {
    const { datastore } = this.#repo.parts
    const sweep: Change = { drop: joinKey(SWEEPS_PREFIX, tree.bytes) }
    for await (const _ of datastore.entries(joinKey(TREES_PREFIX, tree.bytes), { signal }))
      return datastore.commit([sweep])
    for (;;) {
      const indices: number[] = []
      for await (const [key] of datastore.entries(leavesKey(tree), { signal })) {
        indices.push(Number(new DataView(key.buffer, key.byteOffset + key.length - INDEX_KEY_BYTES).getBigUint64(0)))
        if (indices.length === RECORDS_PER_PAGE) break
      }
      const last = indices.length < RECORDS_PER_PAGE
      await this.#repo.dropLeaves(tree, indices, { also: last ? [sweep] : [], spared: () => this.#spared() })
      if (last) return
    }
  }

  #spared(): DigestList | undefined {
    if (this.#uploads === 0) return undefined
    const spared = new DigestList()
    this.#orphans.push(spared)
    return spared
  }

  async #dropOrphans(): Promise<void> {
    const held = (): boolean => this.#uploads > 0
    try {
      for (let digests = this.#orphans[0]; digests !== undefined; digests = this.#orphans[0]) {
        for (let at = 0; at < digests.length; at += RECORDS_PER_PAGE) {
          const count = Math.min(RECORDS_PER_PAGE, digests.length - at)
          const page = Array.from({ length: count }, (_, i) => makeCid(CODEX_BLOCK, SHA2_256, digests.at(at + i)))
          await this.#repo.dropMany(page, { held })
          // Another upload has begun: its end takes the list up again, from its start.
          if (held()) return
        }
        this.#orphans.shift()
        if (this.#orphans.length === 0) await this.#repo.trim()
      }
    } catch (error) {
      this.#log.warn('blocks of a failed upload stay until they expire', { error })
      this.#orphans = []
    }
  }
}

/** Cleaning up after a failure must finish, whoever gave up waiting. */
const NEVER = new AbortController().signal

function holderKey(tree: Cid, manifest: Cid): Key {
  return joinKey(TREES_PREFIX, tree.bytes, manifest.bytes)
}
