// Blocks stored with their place and proof in one go: as if block, leaf and proof had been stored one after the other.

import { describe, expect, it } from 'vitest'
import { concatBytes } from '../../src/lib/bytes.ts'
import { merkleTree, treeCid } from '../../src/protocol/merkletree.ts'
import { verifyMerkleProof } from '../../src/protocol/merkleproof.ts'
import { putProvenLeaves } from '../../src/storage/putprovenleaves.ts'
import type { ProvenLeaf } from '../../src/storage/putprovenleaves.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { expectAllBytes } from '../fakes/expectbytes.ts'
import { memoryStore, NEVER, seededBytes, streamOf, TEST_HASHER } from '../fakes/memorystore.ts'

const EXPIRY = 2_000_000
const CHUNKS = [5, 5, 6, 7, 8].map((seed) => seededBytes(65_536, seed))

async function leavesOf(): Promise<{ tree: ReturnType<typeof treeCid>; leaves: ProvenLeaf[] }> {
  const blocks = await hashBlocks(TEST_HASHER, CHUNKS)
  const tree = merkleTree(blocks.map(({ cid }) => cid.digest))
  const leaves = blocks.map((block, index) => ({ block, index, path: tree.proof(index).path, expiry: EXPIRY }))
  return { tree: treeCid(tree.root), leaves }
}

describe('leaves with their proofs', () => {
  it('can be read and proven, and count as references', async () => {
    const { repo } = memoryStore()
    const { tree, leaves } = await leavesOf()
    expect(await putProvenLeaves(repo.parts, tree, 5, leaves.slice(0, 3))).toEqual(['stored', 'present', 'stored'])
    expect(await putProvenLeaves(repo.parts, tree, 5, leaves.slice(1))).toEqual([
      'present',
      'present',
      'stored',
      'stored',
    ])
    expectAllBytes(await repo.getAt(tree, [0, 1, 2, 3, 4]), CHUNKS)
    const proofs = await repo.getProofs(tree, [4, 0, 7, 0])
    expect(proofs.map((proof) => proof?.index)).toEqual([4, 0, undefined, 0])
    for (const { index, block } of leaves) {
      const proof = await repo.getProof(tree, index)
      expect(proof && verifyMerkleProof(tree.digest, block.cid.digest, proof)).toBe(true)
      expect(await repo.drop(block.cid)).toBe('in use')
      expect(await repo.expiryOf(block.cid)).toBe(EXPIRY)
    }
    const recount = await repo.recount({ signal: NEVER })
    expect(recount).toEqual(await repo.recount({ signal: NEVER }))
    expect((await repo.space()).totalBlocks).toBe(4)
  })

  it('of the wrong shape are refused before anything is stored', async () => {
    const { repo } = memoryStore()
    const { tree, leaves } = await leavesOf()
    await expect(putProvenLeaves(repo.parts, tree, 4, leaves)).rejects.toMatchObject({ code: 'store/bad-leaf' })
    await expect(putProvenLeaves(repo.parts, tree, 9, leaves)).rejects.toMatchObject({ code: 'store/bad-leaf' })
    expect((await repo.space()).totalBlocks).toBe(0)
  })

  it('put right what somebody said wrong of how many there are, as soon as they show it', async () => {
    const { repo } = memoryStore()
    const { tree, leaves } = await leavesOf()
    // The proof of the first leaf is right for a tree of six as well, and that of the second, too.
    await putProvenLeaves(repo.parts, tree, 6, leaves.slice(0, 1))
    await putProvenLeaves(repo.parts, tree, 5, leaves.slice(1, 2))
    expect((await repo.getProof(tree, 1))?.leafCount).toBe(6)
    await putProvenLeaves(repo.parts, tree, 5, leaves.slice(4))
    // From then on nobody can say otherwise.
    await putProvenLeaves(repo.parts, tree, 6, leaves.slice(2, 3))
    for (const index of [0, 1, 2, 4]) {
      const proof = await repo.getProof(tree, index)
      expect(proof?.leafCount).toBe(5)
      expect(proof && verifyMerkleProof(tree.digest, (leaves[index] as ProvenLeaf).block.cid.digest, proof)).toBe(true)
    }
  })

  it('cannot say otherwise of a tree that was built here', async () => {
    const { repo, datasets } = memoryStore()
    const { tree, leaves } = await leavesOf()
    await datasets.upload(streamOf(concatBytes(...CHUNKS)), { signal: NEVER })
    const lie = [{ ...(leaves[4] as ProvenLeaf), path: leaves[0]?.path as ProvenLeaf['path'] }]
    await expect(putProvenLeaves(repo.parts, tree, 6, lie)).rejects.toMatchObject({ code: 'store/bad-leaf' })
  })

  it('go where the tree is, when it gets another number in the middle', async () => {
    const { repo, datasets } = memoryStore()
    const { tree, leaves } = await leavesOf()
    await putProvenLeaves(repo.parts, tree, 5, leaves.slice(0, 1))
    const bytes = concatBytes(...CHUNKS)
    const both = [datasets.upload(streamOf(bytes), { signal: NEVER }), putProvenLeaves(repo.parts, tree, 5, leaves)]
    await Promise.all(both)
    expectAllBytes(await repo.getAt(tree, [0, 1, 2, 3, 4]), CHUNKS)
    await putProvenLeaves(repo.parts, tree, 5, leaves)
    expectAllBytes(await repo.getAt(tree, [0, 1, 2, 3, 4]), CHUNKS)
  })
})
