// The protobuf of a whole byte Merkle tree (data reference §2.3). For small trees: reading one recomputes it, in one go.

import { equalBytes } from '../lib/bytes.ts'
import { describeValue } from '../lib/describevalue.ts'
import { CodexError } from '../lib/errors.ts'
import { readNode } from './merkleproof.ts'
import { MerkleBuilder, MerkleTree } from './merkletree.ts'
import { SHA2_256 } from './multicodec.ts'
import { boundedInput, WireMessage, WireWriter } from './wire.ts'

/** Bytes of an encoded tree: about 58 000 leaves, which is 3.5 GiB of blocks and well under a second of hashing. */
export const MAX_TREE_BYTES = 4 * 1024 * 1024

const TREE = { hashCode: 1, leafCount: 2, nodes: 3 }

/** @throws CodexError `merkle/not-a-tree` */
export function encodeTree(tree: MerkleTree): Uint8Array {
  if (!MerkleTree.is(tree))
    throw new CodexError(
      'merkle/not-a-tree',
      `expected a tree that merkleTree or its like made, found ${describeValue(tree)}`,
    )
  const writer = new WireWriter().number(TREE.hashCode, SHA2_256).number(TREE.leafCount, tree.leafCount)
  for (const node of tree.nodes()) writer.bytes(TREE.nodes, new WireWriter().bytes(1, node).finish())
  return writer.finish()
}

/**
 * Reads a tree and recomputes it from its leaves: what comes back is right in every node.
 * @throws CodexError `merkle/not-bytes`, `merkle/too-long`, `merkle/unknown-hash`, `merkle/wrong-node-count`, `merkle/wrong-node`,
 * `merkle/wrong-node-length`, `merkle/no-leaves`, and `merkle/…` of {@link WireMessage}
 */
export function decodeTree(bytes: Uint8Array): MerkleTree {
  const input = boundedInput(bytes, MAX_TREE_BYTES, 'merkle')
  const message = new WireMessage(input, { 1: 'number', 2: 'number', 3: 'repeated bytes' }, 'merkle')
  const hashCode = message.number(TREE.hashCode)
  if (hashCode !== SHA2_256)
    throw new CodexError('merkle/unknown-hash', `expected hash code ${SHA2_256}, found ${hashCode}`, {
      detail: { expected: SHA2_256, found: hashCode },
    })
  const leafCount = message.number(TREE.leafCount)
  const entries = message.list(TREE.nodes)
  const expected = nodeCount(leafCount)
  // Counted before anything is hashed, so that a lie costs no work.
  if (entries.length !== expected)
    throw new CodexError(
      'merkle/wrong-node-count',
      `expected ${expected} nodes for ${leafCount} leaves, found ${entries.length}`,
      {
        detail: { leafCount, expected, found: entries.length },
      },
    )
  const builder = new MerkleBuilder()
  for (const entry of entries.slice(0, leafCount)) builder.push(readNode(entry))
  const tree = builder.finish()
  let at = 0
  for (const node of tree.nodes()) {
    const entry = entries[at++]
    if (entry === undefined || !equalBytes(node, readNode(entry)))
      throw new CodexError(
        'merkle/wrong-node',
        `expected node ${at - 1} to be the hash of its children, found another value`,
        {
          detail: { node: at - 1 },
        },
      )
  }
  return tree
}

/** Nodes of a tree in all layers; 0 for no leaves. */
function nodeCount(leafCount: number): number {
  if (leafCount === 0) return 0
  let count = leafCount
  let width = leafCount
  do {
    width = Math.ceil(width / 2)
    count += width
  } while (width > 1)
  return count
}
