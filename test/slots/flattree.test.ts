import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { packElements, readElement } from '../../src/slots/fieldelements.ts'
import { nodeCount, treeDepth, treePath, treeRoot, verifyPath } from '../../src/slots/flattree.ts'
import { hashJobs } from '../../src/slots/hashjobs.ts'
import { PooledPoseidon2 } from '../../src/slots/pooledposeidon2.ts'
import { localPool } from '../../src/workers/localpool.ts'
import { loadPoseidon2 } from '../../wasm/poseidon2/loadposeidon2.ts'
import type { Poseidon2Kernel } from '../../wasm/poseidon2/poseidon2kernel.ts'
import vectors from '../vectors/poseidon2.json' with { type: 'json' }

const options = { signal: new AbortController().signal, rank: 'background' } as const
const poseidon2 = new PooledPoseidon2(localPool(hashJobs(loadPoseidon2)))
let kernel: Poseidon2Kernel
beforeAll(async () => {
  kernel = await loadPoseidon2()
})

const upTo = (count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(i + 1))
const nodesOver = (count: number): Promise<Uint8Array> => poseidon2.merkleNodes(packElements(upTo(count)), options)

test.each(vectors.merkleProofs)('path of leaf $index of $leafCount', async ({ leafCount, index, path, root }) => {
  const nodes = await nodesOver(leafCount)
  expect(nodes).toHaveLength(32 * nodeCount(leafCount))
  expect(treePath(nodes, leafCount, index)).toEqual(path.map(BigInt))
  expect(readElement(treeRoot(nodes))).toBe(BigInt(root))
})

test('every path of every small tree leads to its root, and only in its place', async () => {
  for (let leafCount = 1; leafCount <= 17; leafCount++) {
    const nodes = await nodesOver(leafCount)
    const root = readElement(treeRoot(nodes))
    const verify = (leaf: bigint, path: readonly bigint[], index: number, count = leafCount): boolean =>
      verifyPath(kernel.compress.bind(kernel), root, leaf, { path, index, leafCount: count })
    for (let index = 0; index < leafCount; index++) {
      const path = treePath(nodes, leafCount, index)
      const leaf = BigInt(index + 1)
      expect(path).toHaveLength(treeDepth(leafCount))
      expect(verify(leaf, path, index)).toBe(true)
      expect(verify(leaf + 1n, path, index)).toBe(false)
      expect(verify(leaf, path, index ^ 1)).toBe(false)
      expect(verify(leaf, [...path, 0n], index)).toBe(false)
      expect(verify(leaf, path.slice(1), index)).toBe(false)
      expect(verify(leaf, path.with(0, 99n), index)).toBe(false)
      for (const wrong of [-1, leafCount, index + 0.5, Number.NaN]) expect(verify(leaf, path, wrong)).toBe(false)
    }
  }
})

test('depths and sizes of trees', () => {
  expect([1, 2, 3, 4, 5, 8, 9, 256, 257].map(treeDepth)).toEqual([1, 1, 2, 2, 3, 3, 4, 8, 9])
  expect([1, 2, 3, 4, 5, 6, 7].map(nodeCount)).toEqual([2, 3, 6, 7, 11, 12, 14])
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 2 ** 30 }), (count) => {
      expect(2 ** treeDepth(count)).toBeGreaterThanOrEqual(count)
      expect(2 ** (treeDepth(count) - 1)).toBeLessThan(count)
    }),
  )
})
