// What the responder serves from, asked in bulk: the RepoStore by addresses of the exchange.

import type { Cid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import type { TakeMemory } from '../storage/slabfile.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { Bytes } from '../lib/units.ts'
import { mapBounded } from '../lib/mapbounded.ts'
import { addressKey } from './addresskey.ts'
import type { BlockAddress, Delivery } from './message.ts'

/** Trees looked into at once for one question. */
const TREES_AT_ONCE = 64

type Repo = Pick<RepoStore, 'getLeaves' | 'getMany' | 'getPlaced' | 'hasMany'>

export class BlockSource {
  readonly #repo: Repo

  constructor(repo: Repo) {
    this.#repo = repo
  }

  /** Which of these blocks are here, in order. @throws CodexError `store/corrupted-record` */
  async has(addresses: readonly BlockAddress[]): Promise<boolean[]> {
    const cids = await this.#cidsOf(addresses, treesOf(addresses))
    const isHere = await this.#repo.hasMany(cids.filter((cid) => cid !== undefined))
    let next = 0
    return cids.map((cid) => cid !== undefined && isHere[next++] === true)
  }

  /**
   * The blocks with what proves their place, in order; undefined for one that is not here, or that cannot be proven.
   * @param memory for their data, as far as the store can read there @param maxBytes of data; of more only the first are loaded, at least one
   * @throws CodexError `store/block-corrupted`, `store/corrupted-record`
   */
  async load(
    addresses: readonly BlockAddress[],
    memory?: TakeMemory,
    maxBytes?: Bytes,
  ): Promise<(Delivery | undefined)[]> {
    const cids: (Cid | undefined)[] = addresses.map(({ cid }) => cid)
    const proofs: (MerkleProof | undefined)[] = []
    await mapBounded(treesOf(addresses), TREES_AT_ONCE, async ({ treeCid, indices, positions }) => {
      const placed = await this.#repo.getPlaced(treeCid, indices)
      for (const [i, leaf] of placed.entries()) {
        const position = positions[i] as number
        cids[position] = leaf?.cid
        proofs[position] = leaf?.proof
      }
    })
    const blocks = await this.#repo.getMany(
      cids.filter((cid) => cid !== undefined),
      memory,
      maxBytes,
    )
    let next = 0
    const loaded: (Delivery | undefined)[] = []
    for (const [i, { treeCid, index }] of addresses.entries()) {
      const cid = cids[i]
      if (cid !== undefined && next === blocks.length) break
      const data = cid === undefined ? undefined : blocks[next++]
      const proof = proofs[i]
      if (cid === undefined || data === undefined) loaded.push(undefined)
      else if (treeCid === undefined) loaded.push({ cid, data })
      else loaded.push(proof && { cid, data, treeCid, index, proof })
    }
    return loaded
  }

  async #cidsOf(addresses: readonly BlockAddress[], trees: readonly TreePlaces[]): Promise<(Cid | undefined)[]> {
    const cids: (Cid | undefined)[] = addresses.map(({ cid }) => cid)
    await mapBounded(trees, TREES_AT_ONCE, async ({ treeCid, indices, positions }) => {
      const leaves = await this.#repo.getLeaves(treeCid, indices)
      for (const [i, leaf] of leaves.entries()) cids[positions[i] as number] = leaf
    })
    return cids
  }
}

interface TreePlaces {
  readonly treeCid: Cid
  readonly indices: number[]
  /** In the question, of each index. */
  readonly positions: number[]
}

/** The leaves among the addresses, by tree: one question to the store for each. */
function treesOf(addresses: readonly BlockAddress[]): readonly TreePlaces[] {
  const trees = new Map<string, TreePlaces>()
  for (const [position, { treeCid, index }] of addresses.entries()) {
    if (treeCid === undefined) continue
    const key = addressKey({ cid: treeCid })
    const places = trees.get(key) ?? { treeCid, indices: [], positions: [] }
    trees.set(key, places)
    places.indices.push(index)
    places.positions.push(position)
  }
  return [...trees.values()]
}
