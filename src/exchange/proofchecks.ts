// Checks proofs of leaves of many trees, and remembers of the last few what it has learned. Remembering saves time and changes no answer.

import type { Cid } from '../protocol/cid.ts'
import type { MerkleProof } from '../protocol/merkleproof.ts'
import { addressKey } from './addresskey.ts'
import { ProvenNodes } from './provennodes.ts'

/** Trees remembered: as many as are fetched at once, and a few. */
export const MAX_PROVEN_TREES = 8

export class ProofChecks {
  /** The one used last is the last one. */
  readonly #trees = new Map<string, ProvenNodes>()

  /** Whether the proof, which `decodeProof` has read, leads from `digest` to the root of this byte tree. */
  verify(treeCid: Cid, digest: Uint8Array, proof: MerkleProof): boolean {
    if (proof.hashCode !== treeCid.hashCode) return false
    const key = addressKey({ treeCid, index: proof.leafCount })
    const nodes = this.#trees.get(key) ?? new ProvenNodes(treeCid.digest, proof.leafCount)
    if (!nodes.verify(digest, proof)) return false
    // Only what has shown itself right takes a place: liars cannot push out the others.
    this.#trees.delete(key)
    this.#trees.set(key, nodes)
    const [oldest] = this.#trees.keys()
    if (this.#trees.size > MAX_PROVEN_TREES && oldest !== undefined) this.#trees.delete(oldest)
    return true
  }
}
