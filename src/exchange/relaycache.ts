// Blocks that a relay keeps for the next who asks: in the store among all others, the oldest removed when they are too many. What a dataset of this
// node needs is never removed, nor what a slot of it is proven with. Which blocks are only cached is known in memory alone. After a restart their trees
// are found by their notes; manifests go when their time is over.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { DIGEST_BYTES, equalCids } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import { putProvenLeaves } from '../storage/putprovenleaves.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { sweepRelayed } from '../storage/sweeprelayed.ts'
import { addressKey } from './addresskey.ts'
import type { Arrival } from './want.ts'

/** Blocks cached at once, whatever their size: each takes some hundred bytes of memory. Of the network's blocks they are 16 GiB. */
export const MAX_CACHED_BLOCKS = 262_144
/** Leaves removed in one commit. */
const TRIM_BLOCKS = 128
/** What a block takes beside its bytes: its entry here, and its records in the store. Whoever gives blocks of a few bytes must not fill the disk with those. */
const ENTRY_BYTES: Bytes = KiB
/** As a leaf, at worst, a page of leaves to itself. */
const LEAF_BYTES: Bytes = 4 * KiB

const RELAYED = { isRelayed: true, durability: 'relaxed' } as const

interface Cached {
  /** Of its content. */
  readonly bytes: Bytes
  /** With all that goes with it. */
  readonly costBytes: Bytes
}

interface CachedLeaf extends Cached {
  readonly treeCid: Cid
  readonly index: number
}

interface CachedManifest extends Cached {
  readonly treeCid?: undefined
  readonly cid: Cid
  readonly expiry: Seconds
}

export class RelayCache {
  readonly #repo: RepoStore
  readonly #limitBytes: Bytes
  readonly #maxBlocks: number
  /** Oldest first. */
  readonly #cached = new Map<string, CachedLeaf | CachedManifest>()
  #bytes: Bytes = 0
  #costBytes: Bytes = 0

  /** @param limitBytes of the blocks with all that goes with them */
  constructor(repo: RepoStore, limitBytes: Bytes, maxBlocks: number = MAX_CACHED_BLOCKS) {
    this.#repo = repo
    this.#limitBytes = limitBytes
    this.#maxBlocks = maxBlocks
  }

  /** Of the blocks alone. */
  get bytes(): Bytes {
    return this.#bytes
  }

  /** What was cached when the node was last stopped goes. What is put meanwhile stays. */
  async recover(options: AbortOptions): Promise<void> {
    await sweepRelayed(this.#repo.parts, options)
  }

  /** @param arrivals of one tree and with proofs of one shape, or of no tree @throws CodexError as `putProvenLeaves` */
  async put(arrivals: readonly Arrival[], expiry: Seconds): Promise<void> {
    const treeCid = arrivals[0]?.address.treeCid
    if (treeCid === undefined) {
      const blocks = arrivals.map(({ block }) => block)
      const outcomes = await this.#repo.putMany(blocks, { expiry, durability: 'relaxed' })
      for (const [i, { cid, bytes }] of blocks.entries())
        if (outcomes[i] === 'stored')
          this.#keep(addressKey({ cid }), { cid, expiry, bytes: bytes.length, costBytes: bytes.length + ENTRY_BYTES })
      return
    }
    const leafCount = arrivals[0]?.proof?.leafCount ?? 0
    const leaves = arrivals.map(({ address, block, proof }) => {
      const { index, path } = proof as MerkleProof
      return { index: address.index ?? index, block, path, expiry }
    })
    const before = await this.#repo.getLeaves(
      treeCid,
      leaves.map(({ index }) => index),
    )
    const outcomes = await putProvenLeaves(this.#repo.parts, treeCid, leafCount, leaves, RELAYED)
    for (const [i, { index, block, path }] of leaves.entries()) {
      // Also a block that was here already has got another leaf, with a proof.
      if (outcomes[i] !== 'stored' && before[i] !== undefined) continue
      const { length: bytes } = block.bytes
      const costBytes = bytes + path.length * DIGEST_BYTES + LEAF_BYTES + ENTRY_BYTES
      this.#keep(addressKey({ treeCid, index }), { treeCid, index, bytes, costBytes })
    }
  }

  /** Removes the oldest until the rest is within the limits. */
  trim(): Promise<void> {
    return this.#trimWhile(() => this.#costBytes > this.#limitBytes || this.#cached.size > this.#maxBlocks)
  }

  /** Removes so much of the oldest. @returns whether there was anything to remove; that it really freed space is not sure */
  async makeRoom(bytes: Bytes): Promise<boolean> {
    const before = this.#bytes
    await this.#trimWhile(() => this.#bytes > Math.max(before - bytes, 0))
    return this.#bytes < before
  }

  async #trimWhile(isTooMuch: () => boolean): Promise<void> {
    while (isTooMuch()) {
      const [entry] = this.#cached
      if (entry === undefined) return
      const [firstKey, first] = entry
      if (first.treeCid === undefined) {
        this.#forget(firstKey)
        // That of a dataset that is here by now is kept for longer.
        await this.#repo.drop(first.cid, { expiringBy: first.expiry })
        continue
      }
      const indices: number[] = []
      for (const [key, leaf] of this.#cached) {
        // Neighbours in time are mostly of one tree.
        if (leaf.treeCid === undefined || !equalCids(leaf.treeCid, first.treeCid)) break
        if (indices.length === TRIM_BLOCKS || !isTooMuch()) break
        this.#forget(key)
        indices.push(leaf.index)
      }
      // What a dataset or a slot that was sold meanwhile needs stays, and frees nothing.
      await this.#repo.dropLeaves(first.treeCid, indices, { onlyLast: true })
    }
  }

  #keep(key: string, entry: CachedLeaf | CachedManifest): void {
    if (this.#cached.has(key)) return
    this.#cached.set(key, entry)
    this.#bytes += entry.bytes
    this.#costBytes += entry.costBytes
  }

  #forget(key: string): void {
    const { bytes = 0, costBytes = 0 } = this.#cached.get(key) ?? {}
    this.#bytes -= bytes
    this.#costBytes -= costBytes
    this.#cached.delete(key)
  }
}
