// The RepoStore: blocks by CID and by (tree, index), reference counts, expiry and quota, each verb one atomic commit.
// It owns block bytes and their index; it knows no dataset (datasets.ts) and starts nothing by itself (maintenance.ts).

import { CodexError } from '../lib/errors.ts'
import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { RandomSource } from '../lib/random.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { GiB, checkedBytes } from '../lib/units.ts'
import { isEmptyBlockCid } from '../protocol/block.ts'
import type { Cid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import { BlockPlan } from './blockplan.ts'
import { servable } from './blockrecord.ts'
import type { Booking, ListToDrop, SpaceLook } from './bookspace.ts'
import { bookSpace } from './bookspace.ts'
import type { Change, Datastore } from './datastore.ts'
import type { DropBlockOptions, DropOutcome } from './dropblock.ts'
import { dropBlock } from './dropblock.ts'
import type { DropLeavesOptions } from './dropleaves.ts'
import { dropLeaves } from './dropleaves.ts'
import { getBlocks } from './getblocks.ts'
import type { Hasher } from './hasher.ts'
import { LeafPages } from './leafpage.ts'
import type { PlacedLeaf } from './leafproof.ts'
import { placedLeaves } from './leafproof.ts'
import { Ledger } from './ledger.ts'
import { probeSlab } from './probeslab.ts'
import type { PutExtras, PutOutcome } from './putblocks.ts'
import { putBlocks } from './putblocks.ts'
import { PutGatherer, groupsOf } from './putgatherer.ts'
import type { Leaf } from './putleaves.ts'
import { blockMissing, putLeaves } from './putleaves.ts'
import type { Recount } from './recount.ts'
import { recount } from './recount.ts'
import type { Repair } from './repair.ts'
import { repair } from './repair.ts'
import type { SlabFile, TakeMemory } from './slabfile.ts'
import type { StoreParts } from './storeparts.ts'
import { blockKey, readBlockRecords } from './storeparts.ts'
import { readTreeRecord } from './treerecord.ts'
import { trimSlab } from './trimslab.ts'
import type { VerifiedBlock } from './verifiedblock.ts'
import { comparedBlock } from './verifiedblock.ts'

export const DEFAULT_QUOTA_BYTES: Bytes = 20 * GiB
export const DEFAULT_BLOCK_TTL_SECONDS: Seconds = 30 * 24 * 3600

export interface RepoStoreSettings {
  /** What blocks and reservations may take together. */
  readonly quotaBytes?: Bytes | undefined
  /** How long a block is kept when nobody says otherwise. */
  readonly blockTtlSeconds?: Seconds | undefined
}

export interface Space {
  readonly totalBlocks: number
  readonly quotaMaxBytes: Bytes
  readonly quotaUsedBytes: Bytes
  readonly quotaReservedBytes: Bytes
}

export interface PutOptions extends PutExtras {
  /** Keep it at least until then; the time to live from now by default. */
  readonly expiry?: Seconds | undefined
}

export class RepoStore {
  readonly #parts: StoreParts
  readonly #gatherer: PutGatherer
  readonly #blockTtlSeconds: Seconds
  readonly #closing = new AbortController()

  /**
   * The datastore and the slab stay the caller's to close, after {@link RepoStore.close}.
   * @throws CodexError `units/not-a-size`, `store/bad-expiry` for a bad setting
   */
  constructor(
    parts: {
      readonly datastore: Datastore
      readonly slab: SlabFile
      readonly hasher: Hasher
      readonly clock: Pick<Clock, 'now'>
      readonly log: Log
    },
    settings: RepoStoreSettings = {},
  ) {
    const quotaBytes = checkedBytes(settings.quotaBytes ?? DEFAULT_QUOTA_BYTES, 'the storage quota')
    const ledger = new Ledger(parts.datastore, quotaBytes, this.#closing.signal)
    this.#parts = { ...parts, ledger }
    this.#gatherer = new PutGatherer(this.#parts)
    this.#blockTtlSeconds = checkedTtl(settings.blockTtlSeconds ?? DEFAULT_BLOCK_TTL_SECONDS)
  }

  /** For the operations of this room that are files of their own. */
  get parts(): StoreParts {
    return this.#parts
  }

  /** When a block stored now expires by default. */
  defaultExpiry(): Seconds {
    return this.#parts.clock.now() + this.#blockTtlSeconds
  }

  /**
   * Settles when the block is durable; puts that wait for each other share a flush.
   * @throws CodexError `store/quota-exceeded`, `slab/full`, `datastore/full`: nothing is stored then
   */
  put(block: VerifiedBlock, { expiry = this.defaultExpiry() }: Pick<PutOptions, 'expiry'> = {}): Promise<PutOutcome> {
    return this.#gatherer.put({ block, expiry })
  }

  /**
   * Stores groups of up to 8 MiB, each with one flush and one commit with its leaves, in order. A failure leaves whole groups stored;
   * `also` goes with the last one, `setAside` pays for each. @throws CodexError as {@link RepoStore.put}
   */
  async putMany(
    blocks: readonly VerifiedBlock[],
    { expiry = this.defaultExpiry(), also, leaves, setAside, durability, beyondBytes }: PutOptions = {},
  ): Promise<PutOutcome[]> {
    const outcomes: PutOutcome[] = []
    for (const group of groupsOf(blocks, ({ bytes }) => bytes.length)) {
      const puts = group.map((block) => ({ block, expiry }))
      const end = outcomes.length + group.length
      const indices = leaves?.indices.slice(outcomes.length, end)
      const extras = {
        also: end === blocks.length ? also : undefined,
        leaves: leaves && indices && { treeId: leaves.treeId, indices },
        setAside,
        durability,
        beyondBytes,
      }
      outcomes.push(...(await putBlocks(this.#parts, puts, extras)))
    }
    return outcomes
  }

  /** The bytes, hash-checked; none for the empty block. @throws CodexError as {@link RepoStore.getMany} */
  async get(cid: Cid): Promise<Uint8Array | undefined> {
    const [bytes] = await this.getMany([cid])
    return bytes
  }

  /** As {@link getBlocks}: in order, `undefined` where missing. @throws CodexError `store/block-corrupted`, `store/corrupted-record` */
  getMany(cids: readonly Cid[], memory?: TakeMemory, maxBytes?: Bytes): Promise<(Uint8Array | undefined)[]> {
    return getBlocks(this.#parts, cids, memory, maxBytes)
  }

  /** As {@link RepoStore.getMany}, for who stores the same blocks under another tree. */
  async getVerified(cids: readonly Cid[]): Promise<(VerifiedBlock | undefined)[]> {
    const blocks = await this.getMany(cids)
    return blocks.map((bytes, i) => bytes && comparedBlock({ cid: cids[i] as Cid, bytes }))
  }

  async has(cid: Cid): Promise<boolean> {
    const [isHere] = await this.hasMany([cid])
    return isHere === true
  }

  /** Which of these blocks the store has, in order; the empty one always. @throws CodexError `store/corrupted-record` */
  async hasMany(cids: readonly Cid[]): Promise<boolean[]> {
    const records = await readBlockRecords(this.#parts.datastore, cids.map(blockKey))
    return records.map((record, i) => servable(record) || isEmptyBlockCid(cids[i] as Cid))
  }

  /** When the block may go at the earliest; undefined when the store does not have it. @throws CodexError `store/corrupted-record` */
  async expiryOf(cid: Cid): Promise<Seconds | undefined> {
    const [record] = await readBlockRecords(this.#parts.datastore, [blockKey(cid)])
    return servable(record) ? record.expiry : undefined
  }

  /** As {@link dropBlock}. An unknown block is `absent`, one that leaves refer to is `in use` until it expires. */
  drop(cid: Cid, options: DropBlockOptions = {}): Promise<DropOutcome> {
    return dropBlock(this.#parts, cid, options)
  }

  /** As {@link putLeaves}. @throws CodexError `store/block-missing` */
  putLeaves(tree: Cid, leafCount: number, leaves: readonly Leaf[]): Promise<number> {
    return putLeaves(this.#parts, tree, leafCount, leaves)
  }

  /** As {@link dropLeaves}. */
  dropLeaves(tree: Cid, indices: readonly number[], options?: DropLeavesOptions): Promise<number> {
    return dropLeaves(this.#parts, tree, indices, options)
  }

  /** The blocks that stand at these places of a tree, in order; `undefined` where the store has no leaf. @throws CodexError `store/corrupted-record` */
  async getLeaves(tree: Cid, indices: readonly number[]): Promise<(Cid | undefined)[]> {
    const record = await readTreeRecord(this.#parts.datastore, tree)
    if (record === undefined) return indices.map(() => undefined)
    const pages = await LeafPages.read(this.#parts.datastore, record.id, indices)
    return indices.map((index) => pages.get(index))
  }

  /** As {@link placedLeaves}: the block at each of these places, with its proof. */
  getPlaced(tree: Cid, indices: readonly number[]): Promise<(PlacedLeaf | undefined)[]> {
    return placedLeaves(this.#parts.datastore, tree, indices)
  }

  /** As {@link RepoStore.getProofs}, of one leaf. */
  async getProof(tree: Cid, index: number): Promise<MerkleProof | undefined> {
    const [proof] = await this.getProofs(tree, [index])
    return proof
  }

  /** The proofs that the blocks the store has at these places of a tree stand there, in order. @throws CodexError `store/corrupted-record` */
  async getProofs(tree: Cid, indices: readonly number[]): Promise<(MerkleProof | undefined)[]> {
    return (await this.getPlaced(tree, indices)).map((leaf) => leaf?.proof)
  }

  /** The blocks at these places of a tree, in order; `undefined` where the leaf or its block is missing. @throws CodexError as {@link RepoStore.getMany} */
  async getAt(tree: Cid, indices: readonly number[]): Promise<(Uint8Array | undefined)[]> {
    const leaves = await this.getLeaves(tree, indices)
    const blocks = await this.getMany(leaves.filter((cid) => cid !== undefined))
    let next = 0
    return leaves.map((cid) => (cid === undefined ? undefined : blocks[next++]))
  }

  /**
   * Keeps these blocks at least until `expiry`; never shortens. The empty block needs nothing.
   * @throws CodexError `store/bad-expiry` unless positive, `store/block-missing`: nothing is changed then
   */
  ensureExpiry(cids: readonly Cid[], expiry: Seconds): Promise<void> {
    checkExpiry(expiry)
    return this.#parts.ledger.update<void>(async () => {
      const byName = new Map(cids.filter((cid) => !isEmptyBlockCid(cid)).map((cid) => [String(cid), cid]))
      const wanted = [...byName.values()]
      const records = await readBlockRecords(this.#parts.datastore, wanted.map(blockKey))
      const plan = new BlockPlan()
      for (const [i, cid] of wanted.entries()) {
        const record = records[i]
        if (record === undefined || record.place.at === 'gone') throw blockMissing(cid)
        if (record.expiry < expiry) plan.replace(blockKey(cid), record, { ...record, expiry })
      }
      return [plan.plan, undefined]
    })
  }

  /** Sets bytes aside, with `also` in the same commit. @throws CodexError `store/quota-exceeded`, `units/not-a-size` */
  reserve(bytes: Bytes, also: readonly Change[] = []): Promise<void> {
    return this.#reserve(checkedBytes(bytes, 'a reservation'), also)
  }

  /** Gives reserved bytes back, with `also`. @throws CodexError `store/release-exceeds-reserved`, `units/not-a-size` */
  release(bytes: Bytes, also: readonly Change[] = []): Promise<void> {
    return this.#reserve(-checkedBytes(bytes, 'a release'), also)
  }

  /** As {@link bookSpace}: decides over reserved bytes while nothing else can change. */
  book<T>(decide: (look: SpaceLook) => Promise<Booking<T>>, drop?: () => Promise<ListToDrop | undefined>): Promise<T> {
    return bookSpace(this.#parts, decide, drop)
  }

  async space(): Promise<Space> {
    const { blocks, used, reserved } = await this.#parts.ledger.counters()
    return {
      totalBlocks: blocks,
      quotaMaxBytes: this.#parts.ledger.total,
      quotaUsedBytes: used,
      quotaReservedBytes: reserved,
    }
  }

  /** To so much, where that is more. @throws CodexError `units/not-a-size` */
  raiseQuota(bytes: Bytes): void {
    this.#parts.ledger.raise(checkedBytes(bytes, 'the storage quota'))
  }

  /** As {@link probeSlab}. */
  probe(random: Pick<RandomSource, 'bytes'>): Promise<void> {
    return probeSlab(this.#parts, random)
  }

  /** As {@link recount}: counts everything and compares. */
  recount({ signal }: AbortOptions): Promise<Recount> {
    return recount(this.#parts, signal)
  }

  /** As {@link repair}: puts right what {@link RepoStore.recount} finds wrong, as far as the records can be read. */
  async repair({ signal }: AbortOptions): Promise<Repair> {
    const { ledger } = this.#parts
    // Damaged counters are no reason to fail: what was reserved is not known then, and its owners reserve again.
    const reserved = await ledger.counters().then(
      (counters) => counters.reserved,
      () => 0,
    )
    return repair(this.#parts, reserved, signal)
  }

  /** As {@link trimSlab}. */
  trim(): Promise<void> {
    return trimSlab(this.#parts)
  }

  /** Waits for puts under way. */
  async close(): Promise<void> {
    await this.#gatherer.idle()
    this.#closing.abort(new CodexError('store/closed', 'the store was closed'))
  }

  #reserve(delta: Bytes, also: readonly Change[]): Promise<void> {
    return this.#parts.ledger.update<void>(async () => [{ changes: also, delta: { reserved: delta } }, undefined])
  }
}

/** @throws CodexError `store/bad-expiry` */
export function checkExpiry(expiry: Seconds): void {
  if (Number.isSafeInteger(expiry) && expiry > 0) return
  throw new CodexError('store/bad-expiry', `an expiry is a positive number of whole seconds, found ${expiry}`)
}

function checkedTtl(seconds: Seconds): Seconds {
  if (Number.isSafeInteger(seconds) && seconds >= 0) return seconds
  throw new CodexError('store/bad-expiry', `a time to live is a whole number of seconds from 0, found ${seconds}`)
}
