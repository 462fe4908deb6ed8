// What the responder serves from, asked in bulk: the RepoStore by addresses of the exchange.

import type { Cid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import type { RepoStore } from '../storage/repostore.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import type { BlockAddress, Delivery } from './message.ts'

/** Look-ups of one kind under way for one question. */
const LOOKUPS_AT_ONCE = 64

export class BlockSource {
  readonly #repo: Pick<RepoStore, 'getLeaves' | 'getMany' | 'getProof' | 'has'>

  constructor(repo: Pick<RepoStore, 'getLeaves' | 'getMany' | 'getProof' | 'has'>) {
    this.#repo = repo
  }

  /** Which of these blocks are here, in order. @throws CodexError `store/corrupted-record` */
  async has(addresses: readonly BlockAddress[]): Promise<boolean[]> {
    const cids = await this.#cidsOf(addresses)
    return mapBounded(cids, LOOKUPS_AT_ONCE, async (cid) => cid !== undefined && (await this.#repo.has(cid)))
  }

  /**
   * The blocks with what proves their place, in order; undefined for one that is not here, or that cannot be proven.
   * @throws CodexError `store/block-corrupted`, `store/corrupted-record`
   */
  async load(addresses: readonly BlockAddress[]): Promise<(Delivery | undefined)[]> {
    const cids = await this.#cidsOf(addresses)
    const known = cids.filter((cid) => cid !== undefined)
    const [blocks, proofs] = await Promise.all([this.#repo.getMany(known), this.#proofsOf(addresses)])
    let next = 0
    return addresses.map(({ treeCid, index }, i) => {
      const cid = cids[i]
      const data = cid === undefined ? undefined : blocks[next++]
      if (cid === undefined || data === undefined) return undefined
      if (treeCid === undefined) return { cid, data }
      const proof = proofs[i]
      return proof && { cid, data, treeCid, index, proof }
    })
  }

  #proofsOf(addresses: readonly BlockAddress[]): Promise<(MerkleProof | undefined)[]> {
    return mapBounded(addresses, LOOKUPS_AT_ONCE, async ({ treeCid, index }) =>
      treeCid === undefined ? undefined : this.#repo.getProof(treeCid, index),
    )
  }

  /** The CIDs at these addresses: one question per tree. */
  async #cidsOf(addresses: readonly BlockAddress[]): Promise<(Cid | undefined)[]> {
    const cids: (Cid | undefined)[] = addresses.map(({ cid }) => cid)
    const places = new Map<string, { readonly treeCid: Cid; readonly at: number[] }>()
    for (const [at, { treeCid }] of addresses.entries()) {
      if (treeCid === undefined) continue
      const key = String.fromCharCode(...treeCid.bytes)
      const entry = places.get(key)
      if (entry === undefined) places.set(key, { treeCid, at: [at] })
      else entry.at.push(at)
    }
    await mapBounded([...places.values()], LOOKUPS_AT_ONCE, async ({ treeCid, at }) => {
      const indices = at.map((i) => addresses[i]?.index ?? 0)
      const leaves = await this.#repo.getLeaves(treeCid, indices)
      for (const [i, leaf] of leaves.entries()) cids[at[i] as number] = leaf
    })
    return cids
  }
}
