// Blocks that a relay keeps for the next who asks: in the store among all others, the oldest removed when they are too many. What a dataset of this
// node needs is never removed. Which blocks are only cached is known in memory alone; after a restart they go when their time is over.

import type { Bytes, Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
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

export class RelayCache {
  readonly #repo: RepoStore
  readonly #limitBytes: Bytes
  /** Oldest first. */
  readonly #leaves = new Map<string, CachedLeaf>()
  #bytes: Bytes = 0

  constructor(repo: RepoStore, limitBytes: Bytes) {
    this.#repo = repo
    this.#limitBytes = limitBytes
  }

  /** Of leaves. Manifests are small, and go when their time is over. */
  get bytes(): Bytes {
    return this.#bytes
  }

  /** @param arrivals of one tree and with proofs of one shape, or of no tree @throws CodexError as `putProvenLeaves` */
  async put(arrivals: readonly Arrival[], expiry: Seconds): Promise<void> {
    const treeCid = arrivals[0]?.address.treeCid
    if (treeCid === undefined) {
      const blocks = arrivals.map(({ block }) => block)
      await this.#repo.putMany(blocks, { expiry, durability: 'relaxed' })
      return
    }
    const leafCount = arrivals[0]?.proof?.leafCount ?? 0
    const leaves = arrivals.map(({ address, block, proof }) => {
      const { index, path } = proof as MerkleProof
      return { index: address.index ?? index, block, path, expiry }
    })
    const outcomes = await putProvenLeaves(this.#repo.parts, treeCid, leafCount, leaves, { durability: 'relaxed' })
    for (const [i, { index, block }] of leaves.entries()) {
      const key = addressKey({ treeCid, index })
      if (outcomes[i] !== 'stored' || this.#leaves.has(key)) continue
      this.#leaves.set(key, { treeCid, index, bytes: block.bytes.length })
      this.#bytes += block.bytes.length
    }
  }

  /** Removes the oldest until the rest is within the limit. */
  async trim(): Promise<void> {
    while (this.#bytes > this.#limitBytes) {
      const [first] = this.#leaves.values()
      if (first === undefined) return
      const indices: number[] = []
      for (const [key, { treeCid, index, bytes }] of this.#leaves) {
        // Neighbours in time are mostly of one tree.
        if (treeCid !== first.treeCid && String(treeCid) !== String(first.treeCid)) break
        if (indices.length === TRIM_BLOCKS || this.#bytes <= this.#limitBytes) break
        this.#leaves.delete(key)
        this.#bytes -= bytes
        indices.push(index)
      }
      if (!(await this.#isHeld(first.treeCid))) await this.#repo.dropLeaves(first.treeCid, indices)
    }
  }

  async #isHeld(tree: Cid): Promise<boolean> {
    const { signal } = new AbortController()
    for await (const _ of this.#repo.parts.datastore.entries(holdersKey(tree), { signal })) return true
    return false
  }
}
