// Which datasets the store has, those included that are damaged: whoever lists them can say so. Changes nothing.

import { CodexError } from '../lib/errors.ts'
import type { Cid } from '../protocol/cid.ts'
import { decodeCid } from '../protocol/cid.ts'
import type { Manifest } from '../protocol/manifest.ts'
import { blocksCount } from '../protocol/manifest.ts'
import { decodeManifest } from '../protocol/manifestcodec.ts'
import { CODEX_MANIFEST } from '../protocol/multicodec.ts'
import { encodeVarint } from '../protocol/varint.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import { servable } from './blockrecord.ts'
import type { Key } from './datastore.ts'
import type { RepoStore } from './repostore.ts'
import { joinKey } from './storagekey.ts'
import { BLOCKS_PREFIX, RECORDS_PER_PAGE, blockKey, readBlockRecords } from './storeparts.ts'
import { HOLDERS_PREFIX, readHolderKey } from './treeholder.ts'

export interface DatasetEntry {
  readonly cid: Cid
  readonly manifest: Manifest
}

/** A dataset whose manifest cannot be read. It can be removed, and storing the same file under the same name makes it whole. */
export interface DamagedDataset {
  readonly cid: Cid
  readonly manifest: undefined
  /** Why: `store/corrupted-record`, `store/block-corrupted`, `dataset/manifest-lost`, as `decodeManifest`, or what reading the slab threw. */
  readonly error: CodexError
}

/** A manifest's CID begins with these bytes: version 1, then the content codec. */
const MANIFESTS_PREFIX: Key = joinKey(BLOCKS_PREFIX, Uint8Array.of(1, ...encodeVarint(CODEX_MANIFEST)))

/** In the order of their CIDs; at the end those that only their leaves tell of. @throws the signal's reason, and what the Datastore throws */
export async function* listDatasets(
  repo: RepoStore,
  signal: AbortSignal,
): AsyncGenerator<DatasetEntry | DamagedDataset, void> {
  const { datastore } = repo.parts
  for await (const [key] of datastore.entries(MANIFESTS_PREFIX, { signal })) {
    const entry = await readEntry(repo, decodeCid(key.slice(BLOCKS_PREFIX.length)))
    if (entry !== undefined) yield entry
  }
  // A repair drops a manifest whose record is damaged; the leaves it held stay until the dataset is removed or stored again.
  const lost = new Set<string>()
  for await (const [key] of datastore.entries(HOLDERS_PREFIX, { signal })) {
    const { manifest: cid } = readHolderKey(key)
    // One manifest may have held many trees.
    if (lost.has(String(cid))) continue
    if ((await datastore.get(blockKey(cid))) !== undefined) continue
    // A removal may have come between; it takes both in one commit.
    if ((await datastore.get(key)) === undefined) continue
    lost.add(String(cid))
    const message = `the manifest of dataset ${cid} is lost: store the file again, or remove the dataset`
    const error = new CodexError('dataset/manifest-lost', message, { detail: { cid: String(cid) } })
    yield { cid, manifest: undefined, error }
  }
}

/** Undefined when it was removed meanwhile. */
async function readEntry(repo: RepoStore, cid: Cid): Promise<DatasetEntry | DamagedDataset | undefined> {
  try {
    const bytes = await repo.get(cid)
    return bytes && { cid, manifest: decodeManifest(bytes) }
  } catch (error) {
    if (!CodexError.is(error)) throw error
    return { cid, manifest: undefined, error }
  }
}

/** Whether the index has every leaf of the manifest's tree and a block to serve for each. Reads no block bytes. @throws as {@link listDatasets} */
export async function isComplete(repo: RepoStore, manifest: Manifest, signal: AbortSignal): Promise<boolean> {
  const total = blocksCount(manifest)
  for (let start = 0; start < total; start += RECORDS_PER_PAGE) {
    signal.throwIfAborted()
    const indices = Array.from({ length: Math.min(RECORDS_PER_PAGE, total - start) }, (_, i) => start + i)
    try {
      const leaves = await repo.getLeaves(manifest.treeCid, indices)
      const cids = leaves.filter((cid) => cid !== undefined)
      if (cids.length < leaves.length) return false
      const keys = cids.filter((cid) => !isEmptyBlockCid(cid)).map(blockKey)
      if (!(await readBlockRecords(repo.parts.datastore, keys)).every(servable)) return false
    } catch (error) {
      if (CodexError.is(error, 'store/corrupted-record')) return false
      throw error
    }
  }
  return true
}
