// Slots over a store: one slot alone, equal blocks, expiry, work that meets other work, is aborted, closed or watched.

import { describe, expect, it, vi } from 'vitest'
import { CodexError } from '../../src/lib/errors.ts'
import type { SlotsProgress } from '../../src/slots/slotsprogress.ts'
import { toHex } from '../../src/lib/bytes.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import type { RowSource } from '../../src/erasure/rowsource.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { makeCid } from '../../src/protocol/cid.ts'
import type { VerifiableManifest } from '../../src/protocol/manifest.ts'
import { encodeManifest } from '../../src/protocol/manifestcodec.ts'
import { CODEX_PROVING_ROOT, IDENTITY } from '../../src/protocol/multicodec.ts'
import { Slots } from '../../src/slots/slots.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { expectNoOrphans } from '../fakes/expectnoorphans.ts'
import { NEVER, TEST_HASHER, seededBytes, streamOf } from '../fakes/memorystore.ts'
import type { SlotsStore } from '../fakes/slotsstore.ts'
import { memorySlotsStore, recordsOf } from '../fakes/slotsstore.ts'

const signal = NEVER
const BLOCK = 65_536
const NOTHING = { totalBlocks: 0, quotaUsedBytes: 0, quotaReservedBytes: 0 }

async function expectClean({ repo }: SlotsStore): Promise<void> {
  expect((await repo.recount({ signal })).problems).toEqual([])
}

async function protectedStore(bytes: Uint8Array, ecK: number, ecM: number, filename?: string) {
  const store = memorySlotsStore()
  const { cid } = await store.datasets.upload(streamOf(bytes), { filename, signal })
  const built = await store.slots.protect(cid, { ecK, ecM, signal })
  return { ...store, ...built, store }
}

describe('whoever holds one slot', () => {
  it('reads five blocks at most for the proof inputs of a challenge, however large the slot is', async () => {
    const { store, verifiableCid } = await protectedStore(seededBytes(32 * BLOCK, 3), 1, 1)
    const read = vi.spyOn(store.repo, 'getVerified')
    for (let each = 1; each <= 8; each++) {
      read.mockClear()
      await store.slots.proofInputs(verifiableCid, each % 2, `0x${`0${each}`.repeat(32)}`, { signal })
      const wanted = read.mock.calls
        .flatMap(([cids]) => [...cids])
        .filter((cid) => String(cid) !== String(verifiableCid))
      expect(wanted.length).toBeGreaterThan(0)
      expect(wanted.length).toBeLessThanOrEqual(5)
    }
  })

  it('builds its tree of the blocks alone, proves it, and leaves nothing when the dataset goes', async () => {
    const bytes = seededBytes(9 * BLOCK, 14)
    const client = await protectedStore(bytes, 3, 1)
    const { manifest, verifiableCid } = client
    const provider = memorySlotsStore()
    const indices = [6, 7, 8]
    const blocks = await client.store.repo.getVerified(
      (await client.store.repo.getLeaves(manifest.treeCid, indices)) as Cid[],
    )
    await provider.repo.putMany(blocks as VerifiedBlock[])
    const leaves = await Promise.all(
      indices.map(async (index, i) => ({
        index,
        blockCid: (blocks[i] as VerifiedBlock).cid,
        path: (await client.store.repo.getProof(manifest.treeCid, index))?.path ?? [],
      })),
    )
    await provider.repo.putLeaves(manifest.treeCid, 12, leaves)
    const build = (merkleRoot: string) => provider.slots.buildSlot(manifest, 2, { merkleRoot, signal })
    await expect(build(`0x${'11'.repeat(32)}`)).rejects.toMatchObject({ code: 'slots/wrong-merkle-root' })
    const built = await build(`0x${toHex(manifest.verifyRoot.digest)}`)
    expect(built).toMatchObject({ index: 2, root: client.slotRoots[2] })
    expect(String(built.cid)).toBe(String(verifiableCid))
    await provider.slots.buildSlot(manifest, 2, { signal })
    await expect(provider.slots.buildSlot(manifest, 1, { signal })).rejects.toMatchObject({
      code: 'slots/block-missing',
      detail: { slot: 1, block: 0 },
    })
    const challenge = `0x${'07'.repeat(32)}`
    expect(await provider.slots.proofInputs(verifiableCid, 2, challenge, { signal })).toEqual(
      await client.store.slots.proofInputs(verifiableCid, 2, challenge, { signal }),
    )
    const shown = await provider.slots.show(verifiableCid, { signal })
    expect(shown.slots.map(({ presentBlocks, hasTree }) => [presentBlocks, hasTree])).toEqual([
      [0, false],
      [0, false],
      [3, true],
      [0, false],
    ])
    expect(shown).toMatchObject({ slotBytes: 4 * BLOCK, datasetRoot: client.datasetRoot })
    await expectNoOrphans(provider)
    await provider.datasets.remove(verifiableCid, { signal })
    expect(await provider.repo.space()).toMatchObject(NOTHING)
    await expectNoOrphans(provider)
    await expectClean(provider)
  })
})

describe('whoever repairs one slot with rows of others', () => {
  /** The rows of a client's store, some of them unavailable. */
  function sourceOf(client: SlotsStore, manifest: VerifiableManifest, without: readonly number[] = []) {
    const asked: number[] = []
    const source: RowSource = {
      blocks: async (tree, indices) => {
        expect(String(tree)).toBe(String(manifest.treeCid))
        asked.push(...indices)
        const leaves = (await client.repo.getLeaves(tree, indices)) as Cid[]
        const blocks = await client.repo.getVerified(leaves)
        return blocks.map((block, i) => (without.includes(indices[i] as number) ? undefined : block))
      },
      leaf: async (tree, index) => {
        const [leaf] = (await client.repo.getLeaves(tree, [index])) as [Cid]
        const proof = await client.repo.getProof(tree, index)
        return proof && { digest: leaf.digest, path: proof.path }
      },
    }
    return { source, asked }
  }

  /** Knows the manifest and has nothing else. */
  async function provider(manifest: VerifiableManifest): Promise<SlotsStore> {
    const store = memorySlotsStore()
    const encoded = encodeManifest(manifest)
    const [block] = (await hashBlocks(TEST_HASHER, [encoded])) as [VerifiedBlock]
    await store.repo.put({ ...block, cid: manifestCid(encoded) })
    return store
  }

  it.each([0, 2, 4])('has slot %i alone in the end, and can prove it', async (index) => {
    // 8 blocks in rows of 3: the last data row ends with padding.
    const client = await protectedStore(seededBytes(8 * BLOCK, 16), 3, 2)
    const { manifest, verifiableCid } = client
    const store = await provider(manifest)
    const own = [0, 1, 2].map((step) => 3 * index + step)
    const { source, asked } = sourceOf(client.store, manifest, own)
    const repaired = await store.slots.repair(verifiableCid, index, { source, signal })
    expect(repaired).toMatchObject({ index, blocks: 3, rebuiltBlocks: index === 2 ? 2 : 3 })
    // Three rows of each step and no more, nothing twice; padding is known.
    expect(asked.length).toBe(new Set(asked).size)
    expect(asked.length).toBeLessThanOrEqual(9)
    // It can be served on.
    expect(await store.repo.getProofs(manifest.treeCid, own)).toEqual(
      await client.store.repo.getProofs(manifest.treeCid, own),
    )
    const { slots } = await store.slots.show(verifiableCid, { signal })
    expect(slots.map(({ presentBlocks }) => presentBlocks)).toEqual([0, 1, 2, 3, 4].map((i) => (i === index ? 3 : 0)))
    const challenge = `0x${'05'.repeat(32)}`
    expect(await store.slots.proofInputs(verifiableCid, index, challenge, { signal })).toEqual(
      await client.store.slots.proofInputs(verifiableCid, index, challenge, { signal }),
    )
    await expectNoOrphans(store)
    await store.datasets.remove(verifiableCid, { signal })
    expect(await store.repo.space()).toMatchObject(NOTHING)
  })

  it('asks for other rows instead of those nobody has, and names the step without enough', async () => {
    const client = await protectedStore(seededBytes(9 * BLOCK, 17), 3, 2)
    const { manifest, verifiableCid } = client
    const store = await provider(manifest)
    // Of slot 0 too one block is still to be had: it is a row like any other.
    const some = sourceOf(client.store, manifest, [1, 2, 3, 6, 7])
    expect(await store.slots.repair(verifiableCid, 0, { source: some.source, signal })).toMatchObject({
      rebuiltBlocks: 3,
    })
    expect(some.asked).toContain(0)
    expect(some.asked).not.toContain(2)
    const other = await provider(manifest)
    const few = sourceOf(client.store, manifest, [0, 1, 2, 4, 7])
    const before = await other.repo.space()
    await expect(other.slots.repair(verifiableCid, 0, { source: few.source, signal })).rejects.toMatchObject({
      code: 'erasure/too-few-rows',
      detail: { step: 1, foundRows: 2 },
    })
    expect(await other.repo.space()).toEqual(before)
    await expectNoOrphans(other)
  })

  it('keeps nothing of rows that are those of another dataset', async () => {
    const client = await protectedStore(seededBytes(9 * BLOCK, 18), 3, 2)
    const { manifest, verifiableCid } = client
    const store = await provider(manifest)
    const [wrong] = (await hashBlocks(TEST_HASHER, [seededBytes(BLOCK, 19)])) as [VerifiedBlock]
    const source: RowSource = { blocks: async (_, indices) => indices.map(() => wrong) }
    const before = (await store.repo.space()).totalBlocks
    await expect(store.slots.repair(verifiableCid, 1, { source, signal })).rejects.toMatchObject({
      code: 'slots/wrong-root',
    })
    expect((await store.repo.space()).totalBlocks).toBe(before)
  })
})

describe('a second manifest over the same trees', () => {
  it('holds them once it was built, and keeps its data when the first one goes', async () => {
    const bytes = seededBytes(6 * BLOCK, 15)
    const { store, manifest, plainCid, protectedCid, verifiableCid } = await protectedStore(bytes, 2, 1, 'first.bin')
    const second = { ...manifest, filename: 'second.bin' }
    const encoded = encodeManifest(second)
    const [block] = (await hashBlocks(TEST_HASHER, [encoded])) as [VerifiedBlock]
    const cid = manifestCid(encoded)
    await store.repo.put({ ...block, cid })
    expect(String((await store.slots.build(cid, { signal })).verifiableCid)).toBe(String(cid))
    for (const first of [plainCid, protectedCid, verifiableCid]) await store.datasets.remove(first, { signal })
    expect((await store.slots.verify(cid, { signal })).map(({ outcome, hasTree }) => [outcome, hasTree])).toEqual(
      Array(3).fill(['ok', true]),
    )
    await expectNoOrphans(store)
    await store.datasets.remove(cid, { signal })
    expect(await store.repo.space()).toMatchObject(NOTHING)
    await expectNoOrphans(store)
    await expectClean(store)
  })
})

describe('equal blocks', () => {
  it('are stored once and hashed once, inside a slot and across slots', async () => {
    const bytes = new Uint8Array(12 * BLOCK).fill(7)
    const { store, manifest, verifiableCid, slotRoots } = await protectedStore(bytes, 3, 3)
    // All code words are alike, and their parity is no more than a few blocks; manifests are blocks too.
    expect(new Set(slotRoots).size).toBeLessThan(6)
    expect((await store.repo.space()).totalBlocks).toBeLessThanOrEqual(4 + 3)
    for (const slot of [0, 1, 2]) await store.slots.dropSlot(verifiableCid, slot, { signal })
    for (const slot of [0, 1, 2]) await store.slots.repair(verifiableCid, slot, { signal })
    expect((await store.slots.verify(verifiableCid, { signal })).every(({ outcome }) => outcome === 'ok')).toBe(true)
    const leaves = await store.repo.getLeaves(manifest.treeCid, [0, 5, 11])
    expect(new Set(leaves.map(String)).size).toBe(1)
    await expectClean(store)
    await expectNoOrphans(store)
  })
})

describe('expiry', () => {
  const bytes = seededBytes(5 * BLOCK, 41)

  it('of a protected dataset is one for all of it, original blocks too', async () => {
    const store = memorySlotsStore()
    const soon = store.clock.now() + 100
    const { cid } = await store.datasets.upload(streamOf(bytes), { expiry: soon, signal })
    const expiry = soon + 1000
    const { verifiableCid, protectedCid, manifest } = await store.slots.protect(cid, { ecK: 2, ecM: 1, expiry, signal })
    const leaves = await store.repo.getLeaves(
      manifest.treeCid,
      Array.from({ length: 9 }, (_, i) => i),
    )
    // Block 5 is padding, which needs no keeping.
    for (const leaf of [...leaves.filter((_, i) => i !== 5), verifiableCid, protectedCid] as Cid[])
      expect(await store.repo.expiryOf(leaf)).toBe(expiry)
    expect(await store.repo.expiryOf(cid)).toBe(soon)
    const later = expiry + 500
    await store.repo.dropLeaves(manifest.treeCid, [6])
    expect(await store.slots.ensureExpiry(verifiableCid, later, { signal })).toEqual({
      prolongedBlocks: 8,
      missingBlocks: 1,
    })
    expect(await store.repo.expiryOf(verifiableCid)).toBe(later)
    expect(await store.repo.expiryOf(leaves[7] as Cid)).toBe(later)
    expect(await store.repo.expiryOf(protectedCid)).toBe(expiry)
    await store.slots.ensureExpiry(verifiableCid, soon, { signal })
    expect(await store.repo.expiryOf(verifiableCid)).toBe(later)
    await expect(store.slots.ensureExpiry(verifiableCid, 0, { signal })).rejects.toMatchObject({
      code: 'store/bad-expiry',
    })
  })

  it('given to a repair or the build of one slot goes for all of its blocks, and no others', async () => {
    const store = memorySlotsStore()
    const soon = store.clock.now() + 100
    const { cid: plain } = await store.datasets.upload(streamOf(seededBytes(6 * BLOCK, 42)), { expiry: soon, signal })
    const made = { ecK: 2, ecM: 1, expiry: soon, signal }
    const { verifiableCid: cid, manifest } = await store.slots.protect(plain, made)
    const leaves = (await store.repo.getLeaves(
      manifest.treeCid,
      Array.from({ length: 9 }, (_, i) => i),
    )) as Cid[]
    const expiries = () => Promise.all([...leaves, cid].map((each) => store.repo.expiryOf(each)))
    const [later, latest] = [soon + 1000, soon + 2000]
    await store.slots.buildSlot(manifest, 0, { expiry: later, signal })
    expect(await expiries()).toEqual([later, later, later, soon, soon, soon, soon, soon, soon, later])
    await store.repo.dropLeaves(manifest.treeCid, [7])
    await store.slots.repair(cid, 2, { expiry: latest, signal })
    expect(await expiries()).toEqual([later, later, later, soon, soon, soon, latest, latest, latest, latest])
    // Without one nothing changes.
    await store.slots.repair(cid, 1, { signal })
    await store.slots.buildSlot(manifest, 1, { signal })
    expect(await expiries()).toEqual([later, later, later, soon, soon, soon, latest, latest, latest, latest])
    await store.slots.build(cid, { expiry: latest + 1, signal })
    expect(await expiries()).toEqual(Array(10).fill(latest + 1))
    for (const act of [
      () => store.slots.build(cid, { expiry: 0, signal }),
      () => store.slots.buildSlot(manifest, 0, { expiry: 0.5, signal }),
      () => store.slots.repair(cid, 0, { expiry: Number.NaN, signal }),
    ])
      await expect(act()).rejects.toMatchObject({ code: 'store/bad-expiry' })
  })

  it('goes for a slot that is not hashed again too, which one is whose tree is not whole', async () => {
    const store = memorySlotsStore()
    const soon = store.clock.now() + 100
    const expiry = soon + 1000
    const { cid: plain } = await store.datasets.upload(streamOf(seededBytes(6 * BLOCK, 43)), { expiry: soon, signal })
    const { manifest } = await store.slots.protect(plain, { ecK: 2, ecM: 1, expiry: soon, signal })
    const leaves = (await store.repo.getLeaves(manifest.treeCid, [0, 1, 2])) as Cid[]
    const hashed = async (again?: boolean): Promise<boolean> => {
      let told = 0
      await store.slots.buildSlot(manifest, 0, { expiry, again, signal, progress: () => void told++ })
      return told > 0
    }
    expect([await hashed(false), await hashed()]).toEqual([false, true])
    expect(await Promise.all(leaves.map((cid) => store.repo.expiryOf(cid)))).toEqual([expiry, expiry, expiry])
    await store.repo.dropLeaves(manifest.slotRoots[0] as Cid, [1])
    expect([await hashed(false), await hashed(false)]).toEqual([true, false])
  })

  it('is not touched by a build that is refused', async () => {
    const { store, manifest } = await protectedStore(bytes, 2, 1)
    const verifyRoot = makeCid(CODEX_PROVING_ROOT, IDENTITY, new Uint8Array(32))
    const encoded = encodeManifest({ ...manifest, verifyRoot })
    const [block] = (await hashBlocks(TEST_HASHER, [encoded])) as [VerifiedBlock]
    const cid = manifestCid(encoded)
    await store.repo.put({ ...block, cid })
    const before = await recordsOf(store.datastore)
    const expiry = store.clock.now() + 10 ** 8
    await expect(store.slots.build(cid, { expiry, signal })).rejects.toMatchObject({ code: 'slots/wrong-verify-root' })
    expect(await recordsOf(store.datastore)).toEqual(before)
  })

  it('takes datasets with all their trees', async () => {
    const store = memorySlotsStore()
    const { cid } = await store.datasets.upload(streamOf(bytes), { expiry: store.clock.now() + 50, signal })
    await store.slots.protect(cid, { ecK: 2, ecM: 1, expiry: store.clock.now() + 100, signal })
    store.clock.advance(101)
    for (let run = 0; run < 5; run++) await store.maintenance.run({ signal })
    expect(await store.repo.space()).toMatchObject(NOTHING)
    await expectNoOrphans(store)
    await expectClean(store)
  })
})

describe('work on slots', () => {
  const bytes = seededBytes(6 * BLOCK, 51)

  it('of the same dataset at the same time comes out the same', async () => {
    const store = memorySlotsStore()
    const { cid } = await store.datasets.upload(streamOf(bytes), { signal })
    const protect = () => store.slots.protect(cid, { ecK: 3, ecM: 2, signal })
    const all = await Promise.all([protect(), protect(), protect()])
    expect(new Set(all.map(({ verifiableCid }) => String(verifiableCid))).size).toBe(1)
    const [{ verifiableCid, protectedCid }] = all
    expect((await store.slots.verify(verifiableCid, { signal })).every(({ outcome }) => outcome === 'ok')).toBe(true)
    await expectClean(store)
    await expectNoOrphans(store)
    await store.slots.dropSlot(verifiableCid, 0, { signal })
    const repair = () => store.slots.repair(verifiableCid, 0, { signal })
    await Promise.all([repair(), repair(), store.slots.build(protectedCid, { signal }).catch(() => undefined)])
    expect((await store.slots.verify(verifiableCid, { signal })).every(({ outcome }) => outcome === 'ok')).toBe(true)
    await expectClean(store)
    await expectNoOrphans(store)
  })

  it('that repairs and is aborted takes no place, wherever it was; what could not be kept is refused before any work', async () => {
    const { store, verifiableCid } = await protectedStore(bytes, 3, 2)
    await store.slots.dropSlot(verifiableCid, 1, { signal })
    const present = async (): Promise<number[]> =>
      (await store.slots.show(verifiableCid, { signal })).slots.map(({ presentBlocks }) => presentBlocks)
    const before = await present()
    const space = await store.repo.space()
    const progress = (): never => {
      throw new Error('work was done')
    }
    await expect(
      store.slots.repair(verifiableCid, 1, { signal, expiry: store.clock.now() - 1, progress }),
    ).rejects.toMatchObject({
      code: 'upload/outlived',
    })
    for (let turns = 0; ; turns += 7) {
      const controller = new AbortController()
      const work = store.slots.repair(verifiableCid, 1, { signal: controller.signal }).then(
        () => 'done',
        (error: unknown) => error,
      )
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      for (let task = 0; task < Math.floor(turns / 50); task++) await nextTask()
      controller.abort(new Error('enough'))
      if ((await work) === 'done') break
      expect(await present(), `after ${turns} turns`).toEqual(before)
      await store.repo.trim()
      expect(await store.repo.space(), `after ${turns} turns`).toEqual(space)
    }
    expect((await store.slots.verify(verifiableCid, { signal })).every(({ outcome }) => outcome === 'ok')).toBe(true)
    await expectClean(store)
    await expectNoOrphans(store)
  })

  it('that is aborted leaves nothing, wherever it was', async () => {
    const { store, plainCid, protectedCid, verifiableCid } = await protectedStore(bytes, 3, 2)
    await store.datasets.remove(verifiableCid, { signal })
    const verbs = [
      (own: AbortSignal) => store.slots.protect(plainCid, { ecK: 2, ecM: 2, signal: own }),
      (own: AbortSignal) => store.slots.build(protectedCid, { signal: own }),
    ]
    const numbers = (records: Map<string, string>) => [...records].filter(([key]) => !key.startsWith('6d657461'))
    for (const verb of verbs) {
      const before = await recordsOf(store.datastore)
      for (let turns = 0; ; turns += 7) {
        const controller = new AbortController()
        const work = verb(controller.signal).then(
          () => 'done',
          (error: unknown) => error,
        )
        for (let turn = 0; turn < turns; turn++) await Promise.resolve()
        for (let task = 0; task < Math.floor(turns / 50); task++) await nextTask()
        controller.abort('enough')
        const outcome = await work
        if (outcome === 'done') break
        expect(outcome).toBe('enough')
        expect(numbers(await recordsOf(store.datastore))).toEqual(numbers(before))
      }
    }
  })

  it('ends, and cleans up, when the slots are closed', async () => {
    const { store, plainCid } = await protectedStore(bytes, 3, 2)
    const before = await store.repo.space()
    const work = store.slots.protect(plainCid, { ecK: 2, ecM: 1, signal }).catch((error: unknown) => error)
    await nextTask()
    await store.slots.close()
    expect(await work).toMatchObject({ code: 'slots/closed' })
    expect(await store.repo.space()).toEqual(before)
    await expect(store.slots.verify(plainCid, { signal })).rejects.toMatchObject({ code: 'slots/closed' })
    await expectNoOrphans(store)
  })

  it('tells how far it is, slot by slot', async () => {
    const store = memorySlotsStore()
    const { cid } = await store.datasets.upload(streamOf(bytes), { signal })
    const seen: SlotsProgress[] = []
    const progress = (each: SlotsProgress) => seen.push(each)
    const { verifiableCid } = await store.slots.protect(cid, { ecK: 2, ecM: 1, signal, progress })
    expect(seen[0]).toEqual({
      stage: 'protecting',
      doneBytes: 0,
      totalBytes: 9 * BLOCK,
      slots: [0, 1, 2].map((index) => ({ index, doneBlocks: 0, blocks: 3 })),
    })
    expect(seen.at(-1)).toEqual({
      stage: 'protecting',
      doneBytes: 9 * BLOCK,
      totalBytes: 9 * BLOCK,
      slots: [0, 1, 2].map((index) => ({ index, doneBlocks: 3, blocks: 3 })),
    })
    seen.length = 0
    await store.slots.repair(verifiableCid, 2, { signal, progress })
    expect(seen.at(-1)).toEqual({
      stage: 'repairing',
      doneBytes: 3 * BLOCK,
      totalBytes: 3 * BLOCK,
      slots: [{ index: 2, doneBlocks: 3, blocks: 3 }],
    })
    seen.length = 0
    await store.slots.decode(verifiableCid, { signal, progress })
    expect(seen.at(-1)).toEqual({ stage: 'decoding', doneBytes: 6 * BLOCK, totalBytes: 6 * BLOCK, slots: [] })
  })

  it('on what computes nothing starts no threads', async () => {
    const { store, verifiableCid } = await protectedStore(bytes, 2, 1)
    const slots = new Slots({
      ...store,
      compute: () => Promise.reject(new CodexError('worker/unavailable', 'there are none, as the test asked for')),
    })
    const listed = []
    for await (const entry of slots.list({ signal })) listed.push(entry)
    expect(listed).toEqual([await slots.show(verifiableCid, { signal })])
    expect(listed[0]?.slots.map(({ presentBlocks, hasTree }) => [presentBlocks, hasTree])).toEqual([
      [3, true],
      [3, true],
      [3, true],
    ])
    await expect(slots.verify(verifiableCid, { signal })).rejects.toMatchObject({ code: 'worker/unavailable' })
    await slots.close()
  })
})
