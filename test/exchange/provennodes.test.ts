// What is remembered of a tree must never change an answer: held against the plain check, on right proofs and on damaged ones.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ProofChecks } from '../../src/exchange/proofchecks.ts'
import { ProvenNodes } from '../../src/exchange/provennodes.ts'
import { decodeProof, encodeProof, verifyMerkleProof } from '../../src/protocol/merkleproof.ts'
import type { MerkleProof } from '../../src/protocol/merkleproof.ts'
import { merkleTree, treeCid } from '../../src/protocol/merkletree.ts'

const digestsOf = (count: number): Uint8Array[] =>
  Array.from({ length: count }, (_, i) => new Uint8Array(32).fill(i + 1))

interface Try {
  readonly index: number
  /** Node of the path to damage; beyond it the digest; undefined for none. */
  readonly damage: number | undefined
  /** The path of another leaf. */
  readonly foreign: number | undefined
}

const tries = fc.array(
  fc.record({
    index: fc.nat(),
    damage: fc.option(fc.nat(8), { nil: undefined, freq: 2 }),
    foreign: fc.option(fc.nat(), { nil: undefined, freq: 4 }),
  }),
  { maxLength: 60 },
)

describe('proven nodes', () => {
  it('give the answers of the plain check, whatever came before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), tries, (count, attempts) => {
        const digests = digestsOf(count)
        const tree = merkleTree(digests)
        const nodes = new ProvenNodes(tree.root, count)
        for (const attempt of attempts) {
          const { digest, proof } = made(attempt)
          expect(nodes.verify(digest, proof)).toBe(verifyMerkleProof(tree.root, digest, proof))
        }

        function made({ index, damage, foreign }: Try): { digest: Uint8Array; proof: MerkleProof } {
          const at = index % count
          const right = decodeProof(encodeProof(tree.proof(at)))
          const path = foreign === undefined ? right.path : tree.proof(foreign % count).path
          const digest = digests[at] as Uint8Array
          if (damage === undefined) return { digest, proof: { ...right, path } }
          if (damage >= path.length) return { digest: digest.map((byte) => byte ^ 1), proof: { ...right, path } }
          const node = path[damage] as Uint8Array
          return {
            digest,
            proof: {
              ...right,
              path: path.with(
                damage,
                node.map((byte) => byte ^ 1),
              ),
            },
          }
        }
      }),
    )
  })

  it('of another shape are not believed', () => {
    const tree = merkleTree(digestsOf(4))
    const nodes = new ProvenNodes(tree.root, 3)
    expect(nodes.verify(digestsOf(4)[0] as Uint8Array, tree.proof(0))).toBe(true)
    const other = merkleTree(digestsOf(3))
    expect(nodes.verify(digestsOf(3)[0] as Uint8Array, other.proof(0))).toBe(false)
  })

  it('are kept apart by tree', () => {
    const checks = new ProofChecks()
    const [one, two] = [merkleTree(digestsOf(5)), merkleTree(digestsOf(6))]
    for (let round = 0; round < 3; round++)
      for (let i = 0; i < 5; i++) {
        const digest = digestsOf(5)[i] as Uint8Array
        expect(checks.verify(treeCid(one.root), digest, one.proof(i))).toBe(true)
        expect(checks.verify(treeCid(two.root), digest, two.proof(i))).toBe(true)
        expect(checks.verify(treeCid(two.root), digest, one.proof(i))).toBe(false)
      }
  })
})
