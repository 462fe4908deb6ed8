// What a relay keeps is bounded in all it takes: bytes, entries, and records of the store, whatever the blocks are like.

import { describe, expect, it } from 'vitest'

import { RelayCache } from '../../src/exchange/relaycache.ts'
import type { Arrival } from '../../src/exchange/want.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { merkleTree, treeCid } from '../../src/protocol/merkletree.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { putBlocks } from '../../src/storage/putblocks.ts'
import { putProvenLeaves } from '../../src/storage/putprovenleaves.ts'
import { claimLeaves } from '../../src/storage/relayedtrees.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { range } from '../fakes/exchangepeers.ts'
import type { TestStore } from '../fakes/memorystore.ts'
import { NEVER, TEST_HASHER, memoryStore, seededBytes } from '../fakes/memorystore.ts'

const BLOCK_BYTES = 8
const EXPIRY = 2_000_000

/** Leaves of a tree, as a peer delivers them. */
async function arrivalsOf(chunks: readonly Uint8Array[]): Promise<Arrival[]> {
  const blocks = await hashBlocks(TEST_HASHER, chunks)
  const tree = merkleTree(blocks.map(({ cid }) => cid.digest))
  const cid = treeCid(tree.root)
  return blocks.map((block, index) => ({
    address: { treeCid: cid, index },
    block,
    proof: { index, leafCount: chunks.length, hashCode: cid.hashCode, path: tree.proof(index).path },
    release: () => undefined,
  }))
}

const chunks = (count: number, seed: number): Uint8Array[] =>
  range(count).map((i) => seededBytes(BLOCK_BYTES, seed * 10_000 + i + 1))

async function records({ datastore }: TestStore, prefix: string): Promise<number> {
  let count = 0
  for await (const _ of datastore.entries(textKey(prefix), { signal: NEVER })) count++
  return count
}

async function put(cache: RelayCache, arrivals: readonly Arrival[]): Promise<void> {
  for (let at = 0; at < arrivals.length; at += 64) {
    await cache.put(arrivals.slice(at, at + 64), EXPIRY)
    await cache.trim()
  }
}

describe('the cache of a relay', () => {
  it('counts what a block takes beside its bytes', async () => {
    const store = memoryStore()
    const cache = new RelayCache(store.repo, 512 * KiB)
    await put(cache, await arrivalsOf(chunks(2000, 1)))
    const { totalBlocks } = await store.repo.space()
    expect(totalBlocks).toBeGreaterThan(60)
    expect(totalBlocks).toBeLessThan(512 / 4)
    expect(await records(store, 'repo/proofs/')).toBe(totalBlocks)
    expect(await records(store, 'repo/blocks/')).toBe(totalBlocks)
    expect((await store.repo.recount({ signal: NEVER })).problems).toEqual([])
  })

  it('has no more blocks than it may, however small they are', async () => {
    const store = memoryStore()
    const cache = new RelayCache(store.repo, 64 * MiB, 100)
    await put(cache, await arrivalsOf(chunks(300, 2)))
    expect((await store.repo.space()).totalBlocks).toBe(100)
  })

  it('lets go of a tree with its last leaf', async () => {
    const store = memoryStore()
    const cache = new RelayCache(store.repo, 64 * MiB, 10)
    for (const seed of range(40)) await put(cache, await arrivalsOf(chunks(2, 100 + seed)))
    expect(await records(store, 'repo/trees/')).toBe(5)
    expect(await records(store, 'repo/leaves/')).toBe(5)
    expect(await records(store, 'repo/proofs/')).toBe(10)
  })

  it('lets go of leaves that have one block, all of them and of several trees', async () => {
    const store = memoryStore()
    const cache = new RelayCache(store.repo, 64 * MiB, 10)
    const same = (count: number): Uint8Array[] => range(count).map(() => seededBytes(BLOCK_BYTES, 7))
    for (const count of [50, 60, 70]) await put(cache, await arrivalsOf(same(count)))
    expect(await records(store, 'repo/proofs/')).toBe(10)
    expect(await records(store, 'repo/trees/')).toBe(1)
    expect((await store.repo.recount({ signal: NEVER })).problems).toEqual([])
  })

  it('finds after a restart what it had, and what it has since put stays', async () => {
    const store = memoryStore()
    await put(new RelayCache(store.repo, 64 * MiB), await arrivalsOf(chunks(300, 4)))
    const again = new RelayCache(store.repo, 64 * MiB)
    const swept = again.recover({ signal: NEVER })
    await put(again, await arrivalsOf(chunks(20, 6)))
    await swept
    expect(await records(store, 'repo/proofs/')).toBe(20)
    expect(await records(store, 'repo/blocks/')).toBe(20)
    expect(await records(store, 'repo/leaves/')).toBe(1)
    expect(await records(store, 'repo/relayed/')).toBe(1)
    expect(await records(store, 'repo/sweeps/')).toBe(0)
    expect((await store.repo.recount({ signal: NEVER })).problems).toEqual([])
  })

  it('leaves a tree alone that something of this node has come to need', async () => {
    const store = memoryStore()
    const { repo } = store
    const cache = new RelayCache(repo, 64 * MiB, 10)
    const [claimed, stored, other] = [await arrivalsOf(chunks(8, 8)), await arrivalsOf(chunks(8, 9)), chunks(30, 10)]
    await put(cache, claimed)
    await put(cache, stored.slice(0, 1))
    const listed = (arrivals: readonly Arrival[], treeId: number): Promise<unknown> =>
      repo.putMany(
        arrivals.map(({ block }) => block),
        { leaves: { treeId, indices: range(arrivals.length) } },
      )
    const newList = (): Promise<number> =>
      repo.book(async ({ newList }) => {
        const [result, taken] = await newList()
        return { reserve: 0, changes: [taken], result }
      })
    const treeOf = ([first]: readonly Arrival[]): Cid => first?.address.treeCid as Cid
    await listed(claimed, await newList())
    expect(await claimLeaves(repo.parts, treeOf(claimed), [...range(8), 9])).toEqual([9])
    // As a fetch stores the rest.
    await listed(stored, await newList())
    const leaves = stored.map(({ block, proof }, index) => ({ index, block, path: proof?.path ?? [], expiry: EXPIRY }))
    await putProvenLeaves(repo.parts, treeOf(stored), 8, leaves)
    await put(cache, await arrivalsOf(other))
    await new RelayCache(repo, 64 * MiB).recover({ signal: NEVER })
    for (const tree of [treeOf(claimed), treeOf(stored)])
      expect(await repo.getLeaves(tree, range(8))).not.toContain(undefined)
    expect(await records(store, 'repo/proofs/')).toBe(16)
    expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
  })

  it('leaves the empty leaves alone of a tree that something of this node has come to need', async () => {
    const { repo } = memoryStore()
    const blocks = await hashBlocks(TEST_HASHER, [seededBytes(8, 1), seededBytes(8, 2), new Uint8Array(0)])
    const tree = merkleTree(blocks.map(({ cid }) => cid.digest))
    const [cid, indices] = [treeCid(tree.root), range(3)]
    const arrivals = blocks.map((block, index): Arrival => {
      const { path } = tree.proof(index)
      const proof = { index, leafCount: 3, hashCode: cid.hashCode, path }
      return { address: { treeCid: cid, index }, block, proof, release: () => undefined }
    })
    const cache = new RelayCache(repo, MiB, 0)
    await cache.put(arrivals, 2_000_000)
    const list = { treeId: 777, indices }
    await putBlocks(
      repo.parts,
      blocks.map((block) => ({ block, expiry: 2_000_000 })),
      { leaves: list },
    )
    expect(await claimLeaves(repo.parts, cid, indices)).toEqual([])
    await cache.trim()
    expect((await repo.getLeaves(cid, indices)).map((leaf) => leaf !== undefined)).toEqual([true, true, true])
  })

  it('knows of a leaf whose block was here already', async () => {
    const store = memoryStore()
    const cache = new RelayCache(store.repo, 64 * MiB, 10)
    const own = chunks(20, 3)
    // Kept by somebody else, under no tree.
    await store.repo.putMany(await hashBlocks(TEST_HASHER, own), { expiry: EXPIRY })
    await put(cache, await arrivalsOf(own))
    expect(await records(store, 'repo/proofs/')).toBe(10)
  })
})
