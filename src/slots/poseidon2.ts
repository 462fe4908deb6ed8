// The seam for Poseidon2: hashes of blocks and Merkle nodes in batches, computed elsewhere. It knows no slot and keeps nothing.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes } from '../lib/units.ts'
import type { Rank } from '../workers/rankqueue.ts'

export interface Poseidon2Options extends AbortOptions {
  readonly rank: Rank
}

/** Elements are 32 little-endian bytes below the field's order, one after the other. Blocks stay the caller's, unchanged until a promise settles. */
export interface Poseidon2 {
  /** The block hash of each block (data reference §7.2), in order. Blocks are of one size, a multiple of `cellSize`. */
  hashBlocks(blocks: readonly Uint8Array[], cellSize: Bytes, options: Poseidon2Options): Promise<Uint8Array>
  /** The cell hashes of each block, block after block. */
  hashCells(blocks: readonly Uint8Array[], cellSize: Bytes, options: Poseidon2Options): Promise<Uint8Array>
  /** All nodes of the tree over these leaves, leaves included (§2.1, §2.5): layer after layer, bottom first, the root last. */
  merkleNodes(leaves: Uint8Array, options: Poseidon2Options): Promise<Uint8Array>
  /** The sponge of rate 2 over each list of elements (§2.7). */
  sponges(messages: readonly (readonly bigint[])[], options: Poseidon2Options): Promise<bigint[]>
}
