// Trees of slots in the store: leaves and inner nodes once, in pages, as the byte trees of datasets. Cell hashes are not kept: the five blocks of a
// proof are hashed again, and all of the inputs took some 60 ms where we measured (a proof seconds), where keeping them would take a kilobyte for each block. Who holds a tree is not decided here.

import { DIGEST_BYTES, makeCid } from '../protocol/cid.ts'
import type { Cid } from '../protocol/cid.ts'
import { CODEX_SLOT_CELL, POSEIDON2_MERKLE_2KB } from '../protocol/multicodec.ts'
import type { GrownTree, Growth } from '../storage/heldtrees.ts'
import { leafChanges } from '../storage/leafpage.ts'
import type { NodeLayers } from '../storage/treenodes.ts'
import { nodeChanges } from '../storage/treenodes.ts'
import { slotRootCid } from './slothasher.ts'

/** The flat nodes of a tree, layer after layer, as layers. */
export class FlatLayers implements NodeLayers {
  readonly depth: number
  readonly #nodes: Uint8Array
  /** Where each layer begins, in nodes, and where the last one ends. */
  readonly #starts: number[] = [0]

  constructor(nodes: Uint8Array, leafCount: number) {
    this.#nodes = nodes
    for (let count = leafCount, end = leafCount; ; end += count) {
      this.#starts.push(end)
      if (count === 1 && this.#starts.length > 2) break
      count = Math.ceil(count / 2)
    }
    this.depth = this.#starts.length - 2
  }

  layerLength(layer: number): number {
    return (this.#starts[layer + 1] as number) - (this.#starts[layer] as number)
  }

  node(layer: number, index: number): Uint8Array {
    const at = ((this.#starts[layer] as number) + index) * DIGEST_BYTES
    return this.#nodes.subarray(at, at + DIGEST_BYTES)
  }
}

/** Stores the nodes of a slot's tree (data reference §7.3) under a number of its own; {@link Growth.finish} makes it count. */
export async function growSlotTree(growth: Growth, nodes: Uint8Array, leafCount: number): Promise<GrownTree> {
  const treeId = await growth.begin()
  const layers = new FlatLayers(nodes, leafCount)
  const leafAt = (index: number): Cid => makeCid(CODEX_SLOT_CELL, POSEIDON2_MERKLE_2KB, layers.node(0, index))
  await growth.store(leafChanges(treeId, leafCount, leafAt))
  await growth.store(nodeChanges(treeId, layers))
  return { treeId, cid: slotRootCid(nodes), leafCount }
}
