// The byte Merkle tree over block digests ("Codex tree"): built digest by digest, kept whole, asked for proofs. Checking a proof
// needs no tree and is in merkleproof.ts; the Poseidon2 tree of the same shape belongs to the proof system, not here.

import { isBytes } from '../lib/bytes.ts'
import { describeValue, numberOrDescription } from '../lib/describevalue.ts'
import { assert, CodexError } from '../lib/errors.ts'
import type { Cid } from './cid.ts'
import { DIGEST_BYTES, makeCid } from './cid.ts'
import { compressNodes, KEY_BOTTOM, KEY_ODD } from './compressnodes.ts'
import { DigestList } from './digestlist.ts'
import type { MerkleProof } from './merkleproof.ts'
import { CODEX_ROOT, SHA2_256 } from './multicodec.ts'

/** Leaves in one tree: 64 TiB of blocks, 64 GiB of nodes. */
export const MAX_TREE_LEAVES = 2 ** 30

const ZERO_NODE = new Uint8Array(DIGEST_BYTES)

/** A finished tree: 64 bytes of memory for each leaf, about. */
export class MerkleTree {
  readonly #layers: readonly DigestList[]
  /** A copy of its own. */
  readonly root: Uint8Array
  readonly leafCount: number

  /** @param layers bottom first, complete; {@link MerkleBuilder} makes them */
  constructor(layers: readonly DigestList[]) {
    const top = layers.at(-1)
    const bottom = layers[0]
    assert(
      layers.length > 1 && top?.length === 1 && bottom !== undefined,
      'a tree has a bottom layer and one root above it',
    )
    this.#layers = layers
    this.root = top.at(0).slice()
    this.leafCount = bottom.length
  }

  /**
   * Proves that leaf `index` is in the tree.
   * @throws CodexError `merkle/index-out-of-range`
   */
  proof(index: number): MerkleProof {
    if (!Number.isInteger(index) || index < 0 || index >= this.leafCount)
      throw new CodexError(
        'merkle/index-out-of-range',
        `expected a leaf index below ${this.leafCount}, found ${describeValue(index)}`,
        { detail: { leafCount: this.leafCount, found: numberOrDescription(index) } },
      )
    const path: Uint8Array[] = []
    let position = index
    for (const layer of this.#layers.slice(0, -1)) {
      const sibling = position ^ 1
      path.push(sibling < layer.length ? layer.at(sibling).slice() : ZERO_NODE.slice())
      position >>= 1
    }
    // The sum turns -0 into 0.
    return { index: index + 0, leafCount: this.leafCount, hashCode: SHA2_256, path }
  }

  /** Layers above the leaves, the root's included: the length of every proof. */
  get depth(): number {
    return this.#layers.length - 1
  }

  /** Whether `value` was made by this class: a look-alike is not one. */
  static is(value: unknown): value is MerkleTree {
    return typeof value === 'object' && value !== null && #layers in value
  }

  /** Nodes of a layer; 0 is the leaves, {@link MerkleTree.depth} the root. @throws CodexError `merkle/no-such-node` */
  layerLength(layer: number): number {
    return this.#layer(layer).length
  }

  /** One node, as a view: not to be written to. @throws CodexError `merkle/no-such-node` */
  node(layer: number, index: number): Uint8Array {
    const nodes = this.#layer(layer)
    if (Number.isInteger(index) && index >= 0 && index < nodes.length) return nodes.at(index)
    throw noSuchNode(`node ${describeValue(index)} in a layer of ${nodes.length}`)
  }

  /** Every node, bottom layer first, left to right. Views: not to be written to. */
  *nodes(): Generator<Uint8Array, void> {
    for (const layer of this.#layers) for (let i = 0; i < layer.length; i++) yield layer.at(i)
  }

  #layer(layer: number): DigestList {
    const nodes = Number.isInteger(layer) ? this.#layers[layer] : undefined
    if (nodes === undefined) throw noSuchNode(`layer ${describeValue(layer)} in a tree of depth ${this.depth}`)
    return nodes
  }
}

/**
 * Takes digests one at a time and hashes as it goes: one hash per leaf on average and one per layer at most, so that the tree of
 * a large upload never costs a long pause.
 */
export class MerkleBuilder {
  readonly #layers: DigestList[] = [new DigestList()]
  #isFinished = false

  get leafCount(): number {
    return this.#layers[0]?.length ?? 0
  }

  /**
   * Adds the next leaf; copies the digest.
   * @throws CodexError `merkle/wrong-digest-length`, `merkle/too-many-leaves`
   */
  push(digest: Uint8Array): void {
    assert(!this.#isFinished, 'no leaf comes after finish()')
    if (!isBytes(digest) || digest.length !== DIGEST_BYTES) {
      const found = isBytes(digest) ? digest.length : describeValue(digest)
      throw new CodexError('merkle/wrong-digest-length', `expected a digest of ${DIGEST_BYTES} bytes, found ${found}`, {
        detail: { expectedBytes: DIGEST_BYTES, found },
      })
    }
    if (this.leafCount >= MAX_TREE_LEAVES)
      throw new CodexError('merkle/too-many-leaves', `expected at most ${MAX_TREE_LEAVES} leaves: split the dataset`, {
        detail: { limit: MAX_TREE_LEAVES },
      })
    this.#append(0, digest)
  }

  /**
   * Closes the tree; nothing can be pushed afterwards.
   * @throws CodexError `merkle/no-leaves`
   */
  finish(): MerkleTree {
    assert(!this.#isFinished, 'a tree is finished once')
    if (this.leafCount === 0)
      throw new CodexError('merkle/no-leaves', 'expected at least one digest, found none: an empty dataset has no tree')
    this.#isFinished = true
    for (let level = 0; ; level++) {
      const layer = this.#layer(level)
      if (layer.length === 1 && level > 0) return new MerkleTree(this.#layers)
      if (layer.length % 2 === 1)
        this.#append(level + 1, compressNodes(layer.at(layer.length - 1), ZERO_NODE, KEY_ODD + bottomKey(level)))
    }
  }

  /** Appends a node, and its parent with it when that completes a pair, and so on upwards. */
  #append(bottom: number, digest: Uint8Array): void {
    let node = digest
    for (let level = bottom; ; level++) {
      const layer = this.#layer(level)
      layer.push(node)
      if (layer.length % 2 === 1) return
      node = compressNodes(layer.at(layer.length - 2), layer.at(layer.length - 1), bottomKey(level))
    }
  }

  #layer(level: number): DigestList {
    return (this.#layers[level] ??= new DigestList())
  }
}

/**
 * The tree over `digests`, in one go: for small data, since it hashes as many nodes as there are digests.
 * @throws CodexError `merkle/not-digests`, `merkle/no-leaves`, `merkle/wrong-digest-length`, `merkle/too-many-leaves`
 */
export function merkleTree(digests: Iterable<Uint8Array>): MerkleTree {
  if (typeof digests?.[Symbol.iterator] !== 'function')
    throw new CodexError('merkle/not-digests', `expected a list of digests, found ${describeValue(digests)}`)
  const builder = new MerkleBuilder()
  for (const digest of digests) builder.push(digest)
  return builder.finish()
}

/** The root over 32-byte digests. @throws CodexError as {@link merkleTree} */
export function merkleRoot(digests: Iterable<Uint8Array>): Uint8Array {
  return merkleTree(digests).root
}

/** The proof of digest `index`. @throws CodexError as {@link merkleTree}, and `merkle/index-out-of-range` */
export function merkleProof(digests: Iterable<Uint8Array>, index: number): MerkleProof {
  return merkleTree(digests).proof(index)
}

/** The CID of a tree, from its root. @throws CodexError `cid/wrong-digest-length` */
export function treeCid(root: Uint8Array): Cid {
  return makeCid(CODEX_ROOT, SHA2_256, root)
}

function noSuchNode(found: string): CodexError {
  return new CodexError('merkle/no-such-node', `expected a layer and a node that the tree has, found ${found}`)
}

function bottomKey(level: number): number {
  return level === 0 ? KEY_BOTTOM : 0
}
