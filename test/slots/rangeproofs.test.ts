// Proofs of a range of leaves, out of the range and the two leaves beside it, against those of the whole tree.

import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../src/lib/bytes.ts'
import type { MerkleTree } from '../../src/protocol/merkletree.ts'
import { merkleTree } from '../../src/protocol/merkletree.ts'
import type { LeafBeside } from '../../src/slots/rangeproofs.ts'
import { rangeProofs } from '../../src/slots/rangeproofs.ts'
import { NEVER, seededBytes } from '../fakes/memorystore.ts'

const options = { signal: NEVER }

function leavesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => seededBytes(32, i + 1))
}

function beside(tree: MerkleTree, leaves: readonly Uint8Array[], index: number): LeafBeside | undefined {
  const digest = leaves[index]
  return digest && { digest, path: tree.proof(index).path }
}

describe('proofs of a range of leaves', () => {
  it('are those of the whole tree, for every range of trees of every shape', async () => {
    for (let count = 1; count <= 13; count++) {
      const leaves = leavesOf(count)
      const tree = merkleTree(leaves)
      for (let first = 0; first < count; first++)
        for (let end = first + 1; end <= count; end++) {
          const digests = concatBytes(...leaves.slice(first, end))
          const around = { before: beside(tree, leaves, first - 1), behind: beside(tree, leaves, end) }
          const pathOf = await rangeProofs({ root: tree.root, leafCount: count, first, digests }, around, options)
          for (let index = first; index < end; index++) expect(pathOf?.(index)).toEqual(tree.proof(index).path)
        }
    }
  })

  it('are none where a leaf beside is missing or wrong, or a digest of the range, or the root', async () => {
    const leaves = leavesOf(11)
    const tree = merkleTree(leaves)
    const given = { root: tree.root, leafCount: 11, first: 3, digests: concatBytes(...leaves.slice(3, 7)) }
    const [before, behind] = [beside(tree, leaves, 2), beside(tree, leaves, 7)]
    expect(await rangeProofs(given, { before, behind }, options)).toBeDefined()
    const wrong = leavesOf(30).at(-1) as Uint8Array
    expect(await rangeProofs(given, { before }, options)).toBeUndefined()
    expect(await rangeProofs(given, { behind }, options)).toBeUndefined()
    expect(
      await rangeProofs(given, { before, behind: { ...(behind as LeafBeside), digest: wrong } }, options),
    ).toBeUndefined()
    expect(await rangeProofs(given, { before, behind: { digest: wrong, path: [] } }, options)).toBeUndefined()
    expect(await rangeProofs({ ...given, root: wrong }, { before, behind }, options)).toBeUndefined()
    const digests = concatBytes(...leaves.slice(4, 8))
    expect(await rangeProofs({ ...given, digests }, { before, behind }, options)).toBeUndefined()
  })
})
