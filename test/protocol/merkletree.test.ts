import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  decodeProof,
  decodeTree,
  encodeProof,
  encodeTree,
  MerkleBuilder,
  merkleProof,
  merkleRoot,
  merkleTree,
  treeCid,
  verifyMerkleProof,
} from '../../src/entries/protocol.ts'
import { equalBytes, fromHex, toHex } from '../../src/lib/bytes.ts'
import type { EncodedPath, MerkleProof } from '../../src/protocol/merkleproof.ts'
import { decodeProofAfter, encodeProofAfter } from '../../src/protocol/merkleproof.ts'
import vectors from '../vectors/merkle-sha256.json' with { type: 'json' }
import { allocatedBytes, survives } from './hostile.ts'

const leaf = (i: number): Uint8Array => sha256(Uint8Array.of(i & 255, i >> 8))
const leaves = (count: number): Uint8Array[] => Array.from({ length: count }, (_, i) => leaf(i))

function leavesOf(vector: (typeof vectors.cases)[number]): Uint8Array[] {
  if (vector.leaves !== null) return vector.leaves.map((hex) => fromHex(hex))
  return Array.from({ length: vector.leafCount }, (_, i) => sha256(Uint8Array.of(i)))
}

describe('the byte Merkle tree', () => {
  it.each(vectors.cases)('reproduces $name', (vector) => {
    const digests = leavesOf(vector)
    expect(toHex(merkleRoot(digests))).toBe(vector.root)
    expect(String(treeCid(merkleRoot(digests)))).toBe(vector.treeCid)
    const tree = merkleTree(digests)
    expect([...tree.nodes()]).toHaveLength(vector.layers.reduce((sum, width) => sum + width, 0))
    if (vector.treeProtobuf !== null) {
      expect(toHex(encodeTree(tree))).toBe(vector.treeProtobuf)
      expect(toHex(decodeTree(fromHex(vector.treeProtobuf)).root)).toBe(vector.root)
    }
    for (const expected of vector.proofs) {
      const proof = merkleProof(digests, expected.index)
      expect(proof.path.map(toHex)).toEqual(expected.path)
      expect(verifyMerkleProof(fromHex(vector.root), digests[expected.index] ?? leaf(0), proof)).toBe(true)
      if ('proofProtobuf' in expected) {
        expect(toHex(encodeProof(proof))).toBe(expected.proofProtobuf)
        expect(decodeProof(fromHex(expected.proofProtobuf))).toEqual(proof)
      }
    }
  })

  it.each(vectors.realNodeTrees)('gives the root a real node gave for "$text"', ({ text, treeCid: expected }) => {
    const block = new Uint8Array(65_536)
    block.set(new TextEncoder().encode(text))
    expect(String(treeCid(merkleRoot([sha256(block)])))).toBe(expected)
  })

  it('proves every leaf, and no other', () => {
    for (const count of [1, 2, 3, 5, 8, 13, 31, 64, 100]) {
      const digests = leaves(count)
      const tree = merkleTree(digests)
      for (const [i, digest] of digests.entries()) {
        const proof = tree.proof(i)
        expect(verifyMerkleProof(tree.root, digest, proof)).toBe(true)
        expect(verifyMerkleProof(tree.root, leaf(count), proof)).toBe(false)
        if (count > 1) expect(verifyMerkleProof(tree.root, digest, { ...proof, index: (i + 1) % count })).toBe(false)
      }
    }
  })

  it('keeps every node over chunks of its lists, in a tree of several thousand leaves', () => {
    const digests = leaves(5000)
    const tree = merkleTree(digests)
    for (const i of [0, 1023, 1024, 2047, 4095, 4999])
      expect(verifyMerkleProof(tree.root, digests[i] ?? leaf(0), tree.proof(i))).toBe(true)
  })

  it('builds the same tree by pushes, copying what it is given', () => {
    const builder = new MerkleBuilder()
    const borrowed = new Uint8Array(32)
    for (const digest of leaves(21)) {
      borrowed.set(digest)
      builder.push(borrowed)
    }
    expect(builder.leafCount).toBe(21)
    expect(toHex(builder.finish().root)).toBe(toHex(merkleRoot(leaves(21))))
  })

  it('refuses what is no list of digests, and has no nodes outside', () => {
    for (const input of [undefined, null, 5, {}])
      expect(() => merkleRoot(input as never)).toThrow(expect.objectContaining({ code: 'merkle/not-digests' }))
    const tree = merkleTree(leaves(3))
    for (const [layer, index] of [
      [3, 0],
      [-1, 0],
      [0, 3],
      [1, -1],
      [0, 0.5],
    ] as const)
      expect(() => tree.node(layer, index)).toThrow(expect.objectContaining({ code: 'merkle/no-such-node' }))
    expect(() => encodeTree({ ...tree } as never)).toThrow(expect.objectContaining({ code: 'merkle/not-a-tree' }))
  })

  it('refuses no leaves, digests of other lengths, and indices outside', () => {
    expect(() => merkleRoot([])).toThrow(expect.objectContaining({ code: 'merkle/no-leaves' }))
    expect(() => merkleRoot([new Uint8Array(31)])).toThrow(
      expect.objectContaining({ code: 'merkle/wrong-digest-length' }),
    )
    for (const index of [-1, 3, 0.5, Number.NaN])
      expect(() => merkleProof(leaves(3), index)).toThrow(
        expect.objectContaining({ code: 'merkle/index-out-of-range' }),
      )
  })
})

describe('a proof', () => {
  const digests = leaves(6)
  const root = merkleRoot(digests)
  const proof = merkleProof(digests, 4)

  it('is false when its index, leaf count, path or hash code is not as it must be', () => {
    const check = (changed: object): boolean => verifyMerkleProof(root, leaf(4), { ...proof, ...changed })
    expect(check({})).toBe(true)
    expect(check({ index: 6 })).toBe(false)
    expect(check({ index: 12 })).toBe(false)
    expect(check({ index: -2 })).toBe(false)
    expect(check({ leafCount: 5 })).toBe(false)
    expect(check({ leafCount: 9 })).toBe(false)
    expect(check({ hashCode: 0 })).toBe(false)
    expect(check({ path: [...proof.path, new Uint8Array(32)] })).toBe(false)
    expect(check({ path: proof.path.slice(1) })).toBe(false)
    expect(check({ path: [] })).toBe(false)
    expect(verifyMerkleProof(root.subarray(1), leaf(4), proof)).toBe(false)
    expect(verifyMerkleProof(root, leaf(4).subarray(1), proof)).toBe(false)
  })

  it.each<[string, unknown]>([
    ['undefined', [undefined, ...proof.path.slice(1)]],
    ['holes', new Array(proof.path.length)],
    ['text as long as a node', ['x'.repeat(32), ...proof.path.slice(1)]],
    ['lists as long as a node', [new Array(32).fill(0), ...proof.path.slice(1)]],
    ['31 bytes', [new Uint8Array(31), ...proof.path.slice(1)]],
  ])('is refused with %s for nodes of its path', (_, path) => {
    const bad = { ...proof, path: path as Uint8Array[] }
    expect(verifyMerkleProof(root, leaf(4), bad)).toBe(false)
    expect(() => encodeProof(bad)).toThrow(expect.objectContaining({ code: 'merkle/bad-proof' }))
  })

  it('is of leaf 0 when asked for leaf -0', () => {
    expect(merkleProof(digests, -0)).toEqual(merkleProof(digests, 0))
  })

  it('survives its encoding', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 200 }), fc.nat(), (count, seed) => {
        const original = merkleProof(leaves(count), seed % count)
        expect(decodeProof(encodeProof(original))).toEqual(original)
      }),
      { numRuns: 30 },
    )
  })

  it('is written and read the same, whatever proof came before', () => {
    const trees = [leaves(9), leaves(12).toReversed(), leaves(2)].map((all) => ({
      count: all.length,
      whole: merkleTree(all),
    }))
    const picks = fc.array(fc.record({ tree: fc.nat(2), at: fc.nat(), damage: fc.boolean() }), { maxLength: 20 })
    fc.assert(
      fc.property(picks, (picked) => {
        let read: MerkleProof['path'] = []
        let written: EncodedPath | undefined
        for (const { tree, at, damage } of picked) {
          const { count, whole } = trees[tree] as (typeof trees)[number]
          const right = whole.proof(at % count)
          const path = damage
            ? right.path.map((node, i) => (i === at % right.path.length ? node.map((b) => b ^ 1) : node))
            : right.path
          // As where proofs are served: nodes at one height are one array.
          const shared = path.map((node, i) =>
            written?.path[i] && equalBytes(written.path[i], node) ? written.path[i] : node,
          )
          const bytes = encodeProofAfter({ ...right, path: shared }, written)
          expect(bytes).toEqual(encodeProof({ ...right, path }))
          written = { path: shared, bytes }
          const found = decodeProofAfter(bytes, read)
          expect(found).toEqual({ ...right, path })
          read = found.path
        }
      }),
    )
  })

  it.each([
    ['its last node cut short', '08121006180622220a20', 'merkle/truncated'],
    ['no path', '081210001801', 'merkle/bad-proof'],
    ['an index equal to the leaf count', `08121001180122220a20${'00'.repeat(32)}`, 'merkle/bad-proof'],
    ['no leaves', `08121000180022220a20${'00'.repeat(32)}`, 'merkle/bad-proof'],
    ['another hash code', `08131000180122220a20${'00'.repeat(32)}`, 'merkle/bad-proof'],
    ['a node of 31 bytes', `08121000180122210a1f${'00'.repeat(31)}`, 'merkle/wrong-node-length'],
    ['an empty node', '0812100018012200', 'merkle/wrong-node-length'],
    ['a number in a longer form', `0892001000180122220a20${'00'.repeat(32)}`, 'merkle/not-canonical'],
    ['a number of 64 bits', `081210ffffffffffffffffff01180122220a20${'00'.repeat(32)}`, 'merkle/number-too-large'],
    ['a number of 70 bits', `081210ffffffffffffffffff7f180122220a20${'00'.repeat(32)}`, 'merkle/not-canonical'],
    ['two indices', `081210001000180122220a20${'00'.repeat(32)}`, 'merkle/duplicate-field'],
    ['bytes for a number', `0a01121000180122220a20${'00'.repeat(32)}`, 'merkle/wrong-wire-type'],
    ['a group', `08121000180122220a20${'00'.repeat(32)}2b2c`, 'merkle/unknown-wire-type'],
    ['more than the limit', '00'.repeat(4097), 'merkle/too-long'],
  ])('is refused with %s', (_, hex, code) => {
    expect(() => decodeProof(fromHex(hex))).toThrow(expect.objectContaining({ code }))
  })

  it('has its unknown fields skipped', () => {
    const extra = fromHex('28ffffffffffffffffff013203aabbcc390000000000000000' + '4500000000')
    expect(decodeProof(Uint8Array.from([...encodeProof(proof), ...extra]))).toEqual(proof)
  })

  it('survives hostile bytes', () => {
    survives(decodeProof, [encodeProof(proof), encodeProof(merkleProof(leaves(1), 0))])
  })
})

describe('an encoded tree', () => {
  const encoded = encodeTree(merkleTree(leaves(5)))

  it('is refused when one node is wrong, one is missing, or one too many', () => {
    const wrong = encoded.slice()
    wrong[wrong.length - 1] = (wrong.at(-1) ?? 0) ^ 1
    expect(() => decodeTree(wrong)).toThrow(expect.objectContaining({ code: 'merkle/wrong-node' }))
    const count = expect.objectContaining({ code: 'merkle/wrong-node-count' })
    expect(() => decodeTree(encoded.subarray(0, -36))).toThrow(count)
    expect(() => decodeTree(Uint8Array.from([...encoded, ...encoded.subarray(-36)]))).toThrow(count)
    expect(() => decodeTree(fromHex('081210ffffffffffffff0f'))).toThrow(count)
    expect(() => decodeTree(fromHex('08121000'))).toThrow(expect.objectContaining({ code: 'merkle/no-leaves' }))
    expect(() => decodeTree(fromHex('08001000'))).toThrow(expect.objectContaining({ code: 'merkle/unknown-hash' }))
  })

  it('is refused beyond the limit, and when it is no bytes', () => {
    const long = new Uint8Array(4 * 1024 * 1024 + 1)
    expect(() => decodeTree(long)).toThrow(expect.objectContaining({ code: 'merkle/too-long' }))
    expect(() => decodeTree(null as never)).toThrow(expect.objectContaining({ code: 'merkle/not-bytes' }))
    expect(() => decodeProof('08' as never)).toThrow(expect.objectContaining({ code: 'merkle/not-bytes' }))
  })

  it('costs a liar no memory: hashing starts once the count is right', () => {
    const many = Uint8Array.from([...encoded.subarray(0, 2), 0x10, 0xff, 0xff, 0xff, 0x7f, ...encoded.subarray(4)])
    expect(allocatedBytes(() => expect(() => decodeTree(many)).toThrow())).toBe(0)
    expect(allocatedBytes(() => decodeTree(encoded))).toBeGreaterThan(11 * 32)
  })

  it('survives hostile bytes', () => {
    survives(decodeTree, [encoded, encodeTree(merkleTree(leaves(1)))])
  })
})
