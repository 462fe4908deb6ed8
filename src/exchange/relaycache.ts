// Blocks that a relay keeps for the next who asks: in the store among all others, the oldest removed when they are too many. What a dataset of this
// node needs is never removed, nor what a slot of it is proven with. Which blocks are only cached is known in memory alone; after a restart they go when their time is over.

import type { Bytes, Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { equalCids } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import { putProvenLeaves } from '../storage/putprovenleaves.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { holdersKey } from '../storage/treeholder.ts'
import { addressKey } from './addresskey.ts'
import type { Arrival } from './want.ts'

/** Leaves removed in one commit. */
const TRIM_BLOCKS = 128

interface CachedLeaf {
  readonly treeCid: Cid
  readonly index: number
  readonly bytes: Bytes
}

interface CachedManifest {
  readonly treeCid?: undefined
  readonly cid: Cid
  readonly bytes: Bytes
  readonly expiry: Seconds
}

export class RelayCache {
  readonly #repo: RepoStore
  readonly #limitBytes: Bytes
  /** Oldest first. */
  readonly #cached = new Map<string, CachedLeaf | CachedManifest>()
  #bytes: Bytes = 0

  constructor(repo: RepoStore, limitBytes: Bytes) {
    this.#repo = repo
    this.#limitBytes = limitBytes
  }

  get bytes(): Bytes {
    return this.#bytes
  }

  /** @param arrivals of one tree and with proofs of one shape, or of no tree @throws CodexError as `putProvenLeaves` */
  async put(arrivals: readonly Arrival[], expiry: Seconds): Promise<void> {
    const treeCid = arrivals[0]?.address.treeCid
    if (treeCid === undefined) {
      const blocks = arrivals.map(({ block }) => block)
      const outcomes = await this.#repo.putMany(blocks, { expiry, durability: 'relaxed' })
      for (const [i, { cid, bytes }] of blocks.entries())
        if (outcomes[i] === 'stored') this.#keep(addressKey({ cid }), { cid, bytes: bytes.length, expiry })
      return
    }
    const leafCount = arrivals[0]?.proof?.leafCount ?? 0
    const leaves = arrivals.map(({ address, block, proof }) => {
      const { index, path } = proof as MerkleProof
      return { index: address.index ?? index, block, path, expiry }
    })
    const outcomes = await putProvenLeaves(this.#repo.parts, treeCid, leafCount, leaves, { durability: 'relaxed' })
    for (const [i, { index, block }] of leaves.entries())
      if (outcomes[i] === 'stored')
        this.#keep(addressKey({ treeCid, index }), { treeCid, index, bytes: block.bytes.length })
  }

  /** Removes the oldest until the rest is within the limit. */
  trim(): Promise<void> {
    return this.#trimTo(this.#limitBytes)
  }

  /** Removes so much of the oldest. @returns whether there was anything to remove; that it really freed space is not sure */
  async makeRoom(bytes: Bytes): Promise<boolean> {
    const before = this.#bytes
    await this.#trimTo(Math.max(before - bytes, 0))
    return this.#bytes < before
  }

  async #trimTo(limitBytes: Bytes): Promise<void> {
    while (this.#bytes > limitBytes) {
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
        if (indices.length === TRIM_BLOCKS || this.#bytes <= limitBytes) break
        this.#forget(key)
        indices.push(leaf.index)
      }
      if (await this.#isHeld(first.treeCid)) continue
      // What a slot that was sold meanwhile needs stays, and frees nothing.
      await this.#repo.dropLeaves(first.treeCid, indices, { onlyLast: true })
    }
  }

  async #isHeld(tree: Cid): Promise<boolean> {
    const { signal } = new AbortController()
    for await (const _ of this.#repo.parts.datastore.entries(holdersKey(tree), { signal })) return true
    return false
  }

  #keep(key: string, entry: CachedLeaf | CachedManifest): void {
    if (this.#cached.has(key)) return
    this.#cached.set(key, entry)
    this.#bytes += entry.bytes
  }

  #forget(key: string): void {
    this.#bytes -= this.#cached.get(key)?.bytes ?? 0
    this.#cached.delete(key)
  }
}
