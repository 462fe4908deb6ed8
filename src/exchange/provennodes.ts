// Nodes of one tree that proofs have shown to be right. Leaves that are near each other share most of their path, so that the next proof need only be
// followed to a node that is known: two steps of fourteen on average in a slot of a gigabyte. It says yes to exactly what `verifyMerkleProof` says yes to.

import { equalBytes } from '../lib/bytes.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import { verifyMerkleProof } from '../protocol/merkleproof.ts'
import { compressNodes, KEY_BOTTOM, KEY_ODD } from '../protocol/compressnodes.ts'

/** Nodes kept of one tree, some 2 MiB. When there are more all are forgotten, and found again by the next proof. */
export const MAX_PROVEN_NODES = 16_384

/** Above all positions in a layer. */
const LAYER = 2 ** 32

type Path = MerkleProof['path']

export class ProvenNodes {
  readonly #root: Uint8Array
  readonly #leafCount: number
  readonly #nodes = new Map<number, Uint8Array>()

  constructor(root: Uint8Array, leafCount: number) {
    this.#root = root
    this.#leafCount = leafCount
  }

  /** Whether `digest` is leaf `proof.index` of the tree. The proof must have come from `decodeProof`, which has checked its shape. */
  verify(digest: Uint8Array, proof: MerkleProof): boolean {
    if (proof.leafCount !== this.#leafCount) return verifyMerkleProof(this.#root, digest, proof)
    if (this.#nodes.size + 2 * proof.path.length > MAX_PROVEN_NODES) this.#nodes.clear()
    const followed: Uint8Array[] = []
    if (this.#leadsToKnown(digest, proof, followed)) this.#learn(followed, proof)
    else if (verifyMerkleProof(this.#root, digest, proof)) this.#learn(this.#follow(digest, proof), proof)
    else return false
    return true
  }

  /**
   * Follows the path to a known node; the rest of it must be what is known, too, because the proof is kept and served on.
   * @param followed is given the nodes on the way, of each layer from the leaf on
   */
  #leadsToKnown(digest: Uint8Array, { index, path }: MerkleProof, followed: Uint8Array[]): boolean {
    let node = digest
    let at = index
    let width = this.#leafCount
    for (let layer = 0; layer < path.length; layer++) {
      followed.push(node)
      const known = this.#nodes.get(layer * LAYER + at)
      if (known !== undefined) return equalBytes(known, node) && this.#isKnownFrom({ layer, at, width }, path)
      node = parentOf(node, path[layer] as Uint8Array, layer, at, width)
      at = Math.floor(at / 2)
      width = Math.ceil(width / 2)
    }
    return false
  }

  #isKnownFrom(from: { readonly layer: number; readonly at: number; readonly width: number }, path: Path): boolean {
    let { layer, at, width } = from
    for (; layer < path.length; layer++) {
      const known = (at ^ 1) < width ? this.#nodes.get(layer * LAYER + (at ^ 1)) : ZERO
      // Proofs that were read one after the other share their nodes.
      if (known === undefined || (known !== path[layer] && !equalBytes(known, path[layer] as Uint8Array))) return false
      at = Math.floor(at / 2)
      width = Math.ceil(width / 2)
    }
    return true
  }

  /** The nodes from the leaf to below the root. */
  #follow(digest: Uint8Array, { index, path }: MerkleProof): Uint8Array[] {
    const nodes: Uint8Array[] = []
    let node = digest
    let at = index
    let width = this.#leafCount
    for (let layer = 0; layer < path.length; layer++) {
      nodes.push(node)
      node = parentOf(node, path[layer] as Uint8Array, layer, at, width)
      at = Math.floor(at / 2)
      width = Math.ceil(width / 2)
    }
    return nodes
  }

  /** Keeps these nodes of a proof that is right, of each layer from the leaf on, and what stands beside them. */
  #learn(followed: readonly Uint8Array[], { index, path }: MerkleProof): void {
    let at = index
    let width = this.#leafCount
    for (const [layer, node] of followed.entries()) {
      this.#nodes.set(layer * LAYER + at, node)
      if ((at ^ 1) < width) this.#nodes.set(layer * LAYER + (at ^ 1), path[layer] as Uint8Array)
      at = Math.floor(at / 2)
      width = Math.ceil(width / 2)
    }
  }
}

const ZERO = new Uint8Array(32)

function parentOf(node: Uint8Array, sibling: Uint8Array, layer: number, at: number, width: number): Uint8Array {
  const bottom = layer === 0 ? KEY_BOTTOM : 0
  if (at % 2 === 1) return compressNodes(sibling, node, bottom)
  return compressNodes(node, sibling, at === width - 1 ? bottom + KEY_ODD : bottom)
}
