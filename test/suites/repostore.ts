// The law of the RepoStore, over whatever stores carry it.

import { afterEach, describe, expect, it } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import { EMPTY_BLOCK_CID, blockCid, manifestCid } from '../../src/protocol/block.ts'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import { verifyMerkleProof } from '../../src/protocol/merkleproof.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import type { Leaf } from '../../src/storage/putleaves.ts'
import type { SlabFile } from '../../src/storage/slabfile.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { hashBlocks, verifyBlocks } from '../../src/storage/verifiedblock.ts'
import { expectAllBytes, expectBytes } from '../fakes/expectbytes.ts'
import type { TestStore } from '../fakes/memorystore.ts'
import { NEVER, TEST_HASHER, collect, seededBytes, streamOf, testStore } from '../fakes/memorystore.ts'

export interface Stores {
  readonly datastore: Datastore
  readonly slab: SlabFile
  /** Closes both and opens the same data again. */
  reopen(): Promise<{ datastore: Datastore; slab: SlabFile }>
  teardown(): Promise<void>
}

const BLOCK = 65_536

export function repoStoreSuite(name: string, open: () => Promise<Stores>): void {
  describe(`RepoStore over ${name}`, () => {
    const opened: Stores[] = []
    afterEach(async () => {
      for (const stores of opened.splice(0)) await stores.teardown()
    })
    const start = async (settings: { quotaBytes?: number } = {}): Promise<TestStore & { stores: Stores }> => {
      const stores = await open()
      opened.push(stores)
      return { ...testStore(stores, settings), stores }
    }
    const block = async (seed: number, size = BLOCK): Promise<VerifiedBlock> => {
      const [made] = await hashBlocks(TEST_HASHER, [seededBytes(size, seed)])
      return made as VerifiedBlock
    }
    const tree = treeCid(seededBytes(32, 99))
    const leaf = (index: number, { cid }: { cid: VerifiedBlock['cid'] }): Leaf => ({
      index,
      blockCid: cid,
      path: [seededBytes(32, index + 1), new Uint8Array(32)],
    })
    const expectClean = async ({ repo }: TestStore): Promise<void> =>
      expect((await repo.recount({ signal: NEVER })).problems).toEqual([])

    it('keeps blocks of any size it takes, and counts them', async () => {
      const store = await start()
      const sizes = [1, 100, 32 * 1024 - 1, 32 * 1024, BLOCK - 1, BLOCK, BLOCK + 1, 1024 * 1024]
      const blocks = await Promise.all(sizes.map((size, i) => block(i + 1, size)))
      expect(await store.repo.putMany(blocks)).toEqual(blocks.map(() => 'stored'))
      expect(await store.repo.putMany(blocks)).toEqual(blocks.map(() => 'present'))
      expectAllBytes(
        await store.repo.getMany(blocks.map(({ cid }) => cid)),
        blocks.map(({ bytes }) => bytes),
      )
      const used = sizes.reduce((total, size) => total + size, 0)
      expect(await store.repo.space()).toMatchObject({ totalBlocks: sizes.length, quotaUsedBytes: used })
      await expectClean(store)
    })

    it('answers for the empty block without storing it', async () => {
      const { repo } = await start()
      const [empty] = await verifyBlocks(TEST_HASHER, [{ cid: EMPTY_BLOCK_CID, bytes: new Uint8Array(0) }])
      expect(await repo.put(empty as VerifiedBlock)).toBe('present')
      expect(await repo.has(EMPTY_BLOCK_CID)).toBe(true)
      expect(await repo.get(EMPTY_BLOCK_CID)).toEqual(new Uint8Array(0))
      expect(await repo.drop(EMPTY_BLOCK_CID)).toBe('absent')
      expect((await repo.space()).totalBlocks).toBe(0)
    })

    it('stores the same block once, also when it comes many times at once', async () => {
      const store = await start()
      const same = await block(7)
      const outcomes = await Promise.all([
        ...Array.from({ length: 5 }, () => store.repo.put(same)),
        store.repo.putMany([same, same]).then(([first]) => first),
        store.repo.putMany([same]).then(([first]) => first),
      ])
      expect(outcomes.filter((outcome) => outcome === 'stored').length).toBeGreaterThanOrEqual(1)
      expect(await store.repo.space()).toMatchObject({ totalBlocks: 1, quotaUsedBytes: BLOCK })
      await expectClean(store)
    })

    it('finds everything again after a restart', async () => {
      const first = await start()
      const blocks = await Promise.all([block(1), block(2, 500), block(3)])
      await first.repo.putMany(blocks)
      await first.repo.putLeaves(tree, 4, [leaf(0, blocks[0] as VerifiedBlock), leaf(3, blocks[2] as VerifiedBlock)])
      await first.repo.reserve(12_345)
      await first.repo.close()
      const second = testStore(await first.stores.reopen())
      expectAllBytes(
        await second.repo.getMany(blocks.map(({ cid }) => cid)),
        blocks.map(({ bytes }) => bytes),
      )
      const named = await second.repo.getLeaves(tree, [0, 1, 3])
      expect(named.map(String)).toEqual([String(blocks[0]?.cid), 'undefined', String(blocks[2]?.cid)])
      const { path = [] } = leaf(3, blocks[2] as VerifiedBlock)
      expect(await second.repo.getProof(tree, 3)).toEqual({ index: 3, leafCount: 4, hashCode: 0x12, path })
      expect(await second.repo.getProof(tree, 1)).toBeUndefined()
      expect(await second.repo.space()).toMatchObject({ totalBlocks: 3, quotaReservedBytes: 12_345 })
      await second.repo.put(await block(4))
      expectBytes(await second.repo.get((blocks[0] as VerifiedBlock).cid), (blocks[0] as VerifiedBlock).bytes)
      await expectClean(second)
    })

    it('counts references, and drops a block with its last one', async () => {
      const store = await start()
      const shared = await block(1)
      await store.repo.put(shared)
      expect(await store.repo.putLeaves(tree, 4, [leaf(0, shared), leaf(1, shared)])).toBe(2)
      expect(await store.repo.putLeaves(tree, 4, [leaf(0, shared), leaf(2, shared)])).toBe(1)
      expect(await store.repo.drop(shared.cid)).toBe('in use')
      expect(await store.repo.dropLeaves(tree, [0, 1])).toBe(2)
      expect(await store.repo.dropLeaves(tree, [0, 1])).toBe(0)
      expect(await store.repo.has(shared.cid)).toBe(true)
      await expectClean(store)
      expect(await store.repo.dropLeaves(tree, [2])).toBe(1)
      expect(await store.repo.has(shared.cid)).toBe(false)
      expect((await store.repo.space()).quotaUsedBytes).toBe(0)
      await expectClean(store)
    })

    it('takes no leaf whose block is missing', async () => {
      const store = await start()
      const [here, missing] = [await block(1), await block(2)]
      await store.repo.put(here)
      const error = await store.repo
        .putLeaves(tree, 4, [leaf(0, here), leaf(1, missing)])
        .catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'store/block-missing', detail: { cid: String(missing.cid) } })
      expect(await store.repo.getLeaves(tree, [0, 1])).toEqual([undefined, undefined])
      expect(await store.repo.putLeaves(tree, 4, [leaf(2, { cid: EMPTY_BLOCK_CID })])).toBe(1)
      await expectClean(store)
    })

    it('refuses what does not fit, and then fits what was made room for', async () => {
      const store = await start({ quotaBytes: 3 * BLOCK })
      await store.repo.reserve(BLOCK)
      const blocks = await Promise.all([block(1), block(2), block(3)])
      await expect(store.repo.putMany(blocks)).rejects.toMatchObject({ code: 'store/quota-exceeded' })
      expect(await store.repo.space()).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0, quotaReservedBytes: BLOCK })
      await store.repo.putMany(blocks.slice(0, 2))
      await expect(store.repo.reserve(1)).rejects.toMatchObject({ code: 'store/quota-exceeded' })
      await expect(store.repo.release(BLOCK + 1)).rejects.toMatchObject({ code: 'store/release-exceeds-reserved' })
      await store.repo.release(BLOCK)
      await store.repo.put(blocks[2] as VerifiedBlock)
      expect(await store.repo.space()).toMatchObject({
        totalBlocks: 3,
        quotaUsedBytes: 3 * BLOCK,
        quotaReservedBytes: 0,
      })
      await expectClean(store)
    })

    it('lets one put that is too large fail alone', async () => {
      const store = await start({ quotaBytes: 2 * BLOCK })
      const puts = await Promise.all([block(1), block(2, 1024 * 1024), block(3)])
      const outcomes = await Promise.allSettled(puts.map((put) => store.repo.put(put)))
      expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      await expectClean(store)
    })

    it('uses the space of deleted blocks again', async () => {
      const store = await start()
      const blocks = await Promise.all([1, 2, 3, 4].map((seed) => block(seed)))
      await store.repo.putMany(blocks)
      const size = await store.slab.size()
      await store.repo.drop((blocks[1] as VerifiedBlock).cid)
      await store.repo.drop((blocks[2] as VerifiedBlock).cid)
      await store.repo.putMany([await block(5), await block(6)])
      expect(await store.slab.size()).toBe(size)
      for (const seed of [1, 4, 5, 6])
        expectBytes(await store.repo.get((await block(seed)).cid), seededBytes(BLOCK, seed))
      for (const seed of [4, 5, 6]) await store.repo.drop((await block(seed)).cid)
      await store.repo.trim()
      expect(await store.slab.size()).toBeLessThan(size)
      await expectClean(store)
    })

    it('quarantines a block whose bytes have changed, and takes it again', async () => {
      const store = await start()
      const [good, bad] = [await block(1), await block(2)]
      await store.repo.putMany([good, bad])
      await store.repo.putLeaves(tree, 4, [leaf(0, bad)])
      const flipped = await store.slab.read([{ offset: BLOCK + 100, length: 1 }])
      await store.slab.write([{ offset: BLOCK + 100, bytes: Uint8Array.of((flipped[0]?.[0] as number) ^ 4) }])
      await expect(store.repo.get(bad.cid)).rejects.toMatchObject({ code: 'store/block-corrupted' })
      await expect(store.repo.get(bad.cid)).rejects.toMatchObject({ code: 'store/block-corrupted' })
      expect(await store.repo.has(bad.cid)).toBe(false)
      expect(store.logged.filter(({ level }) => level === 'error')).toHaveLength(1)
      expectBytes(await store.repo.get(good.cid), good.bytes)
      await expectClean(store)
      expect(await store.repo.put(bad)).toBe('stored')
      expectAllBytes(await store.repo.getAt(tree, [0]), [bad.bytes])
      expect(await store.repo.space()).toMatchObject({ totalBlocks: 2, quotaUsedBytes: 2 * BLOCK })
      await expectClean(store)
    })

    it('prolongs and never shortens', async () => {
      const store = await start()
      const [one, other] = [await block(1), await block(2)]
      const now = store.clock.now()
      await store.repo.put(one, { expiry: now + 100 })
      await store.repo.ensureExpiry([one.cid, EMPTY_BLOCK_CID], now + 50)
      expect(() => store.repo.ensureExpiry([one.cid], 0)).toThrow(CodexError)
      await expect(store.repo.ensureExpiry([other.cid], now)).rejects.toMatchObject({ code: 'store/block-missing' })
      store.clock.advance(100)
      expect(await store.maintenance.run({ signal: NEVER })).toBe(0)
      await store.repo.put(one, { expiry: now + 200 })
      store.clock.advance(100)
      expect(await store.maintenance.run({ signal: NEVER })).toBe(0)
      store.clock.advance(1)
      expect(await store.maintenance.run({ signal: NEVER })).toBe(1)
      expect(await store.repo.has(one.cid)).toBe(false)
      await expectClean(store)
    })

    it('stores a dataset and reads it back, whole and in parts', async () => {
      const store = await start()
      const bytes = seededBytes(5 * BLOCK + 1234, 11)
      const { cid, blocks } = await store.datasets.upload(streamOf(bytes), { filename: 'a.bin', signal: NEVER })
      expect(blocks).toBe(6)
      expectBytes(await collect(store.datasets.read(cid, { signal: NEVER })), bytes)
      for (const [offset, length] of [
        [0, 1],
        [BLOCK - 1, 2],
        [BLOCK, BLOCK],
        [5 * BLOCK, 1234],
        [bytes.length, 0],
      ] as const)
        expectBytes(
          await collect(store.datasets.read(cid, { offset, length, signal: NEVER })),
          bytes.slice(offset, offset + length),
        )
      const { manifest } = describeUpload(bytes)
      for (let index = 0; index < blocks; index++) {
        const digest = blockCid((await store.repo.getAt(manifest.treeCid, [index]))[0] as Uint8Array).digest
        const proof = await store.repo.getProof(manifest.treeCid, index)
        expect(proof && verifyMerkleProof(manifest.treeCid.digest, digest, proof)).toBe(true)
      }
      expect(await store.repo.getProof(manifest.treeCid, blocks)).toBeUndefined()
      await expect(
        collect(store.datasets.read(cid, { offset: 1, length: bytes.length, signal: NEVER })),
      ).rejects.toMatchObject({ code: 'dataset/bad-range' })
      await expectClean(store)
    })

    it('removes a dataset, and leaves what others hold', async () => {
      const store = await start()
      const bytes = seededBytes(4 * BLOCK, 1)
      const twice = new Uint8Array(6 * BLOCK)
      twice.set(bytes.subarray(0, 3 * BLOCK))
      twice.set(bytes.subarray(0, 3 * BLOCK), 3 * BLOCK)
      const first = await store.datasets.upload(streamOf(bytes), { filename: 'one', signal: NEVER })
      const again = await store.datasets.upload(streamOf(bytes), { filename: 'two', signal: NEVER })
      const other = await store.datasets.upload(streamOf(twice), { signal: NEVER })
      const listed: string[] = []
      for await (const { cid } of store.datasets.list({ signal: NEVER })) listed.push(String(cid))
      expect(new Set(listed)).toEqual(new Set([first, again, other].map(({ cid }) => String(cid))))
      expect(await store.datasets.remove(first.cid, { signal: NEVER })).toBe('removed')
      expect(await store.datasets.remove(first.cid, { signal: NEVER })).toBe('absent')
      expectBytes(await collect(store.datasets.read(again.cid, { signal: NEVER })), bytes)
      expect(await store.datasets.remove(again.cid, { signal: NEVER })).toBe('removed')
      expectBytes(await collect(store.datasets.read(other.cid, { signal: NEVER })), twice)
      await expectClean(store)
      expect(await store.datasets.remove(other.cid, { signal: NEVER })).toBe('removed')
      expect(await store.repo.space()).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
      await expectClean(store)
    })

    it('knows no dataset that it does not have', async () => {
      const { datasets } = await start()
      const cid = manifestCid(new Uint8Array(1))
      await expect(datasets.manifest(cid)).rejects.toMatchObject({ code: 'dataset/not-found' })
      await expect(datasets.manifest(EMPTY_BLOCK_CID)).rejects.toMatchObject({ code: 'dataset/not-a-manifest' })
      await expect(datasets.upload(streamOf(new Uint8Array(0)), { signal: NEVER })).rejects.toMatchObject({
        code: 'upload/empty',
      })
    })
  })
}
