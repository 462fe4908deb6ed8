// Bad input and damaged content: a typed error that says which block or slot, and a store that is as it was.

import { describe, expect, it } from 'vitest'
import { toHex } from '../../src/lib/bytes.ts'
import type { CodexError } from '../../src/lib/errors.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { makeCid } from '../../src/protocol/cid.ts'
import type { Manifest, VerifiableManifest } from '../../src/protocol/manifest.ts'
import { encodeManifest } from '../../src/protocol/manifestcodec.ts'
import { CODEX_PROVING_ROOT, CODEX_ROOT, CODEX_SLOT_ROOT, IDENTITY, SHA2_256 } from '../../src/protocol/multicodec.ts'
import { readElement } from '../../src/slots/fieldelements.ts'
import { decodeBlockRecord, unitsOf } from '../../src/storage/blockrecord.ts'
import { blockKey } from '../../src/storage/storeparts.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import { expectNoOrphans } from '../fakes/expectnoorphans.ts'
import { NEVER, TEST_HASHER, collect, seededBytes, streamOf } from '../fakes/memorystore.ts'
import type { SlotsStore } from '../fakes/slotsstore.ts'
import { memorySlotsStore, recordsOf } from '../fakes/slotsstore.ts'

const signal = NEVER
const BLOCK = 65_536
const BYTES = seededBytes(7 * BLOCK, 31)
const NEXT_TREE = toHex(new TextEncoder().encode('meta/next-tree'))

/** What the index says, numbers of trees aside: those that were given once are never given again. */
async function indexOf({ datastore }: SlotsStore): Promise<Map<string, string>> {
  const records = await recordsOf(datastore)
  records.delete(NEXT_TREE)
  return records
}

/** Expects `act` to fail so, and nothing to have changed. */
async function expectRefused(store: SlotsStore, act: () => Promise<unknown>, error: object): Promise<void> {
  const before = await indexOf(store)
  await expect(act()).rejects.toMatchObject(error)
  expect(await indexOf(store)).toEqual(before)
  expect((await store.repo.recount({ signal })).problems).toEqual([])
}

async function uploaded() {
  const store = memorySlotsStore()
  const { cid, manifest } = await store.datasets.upload(streamOf(BYTES), { signal })
  return { store, cid, manifest }
}

async function built() {
  const { store, cid } = await uploaded()
  return { store, ...(await store.slots.protect(cid, { ecK: 3, ecM: 2, signal })) }
}

/** A manifest of any kind in the store, unchecked, as a peer may send it. */
async function putManifest({ repo }: SlotsStore, manifest: Manifest): Promise<Cid> {
  const bytes = encodeManifest(manifest)
  const [block] = await hashBlocks(TEST_HASHER, [bytes])
  const cid = manifestCid(bytes)
  await repo.put({ ...(block as NonNullable<typeof block>), cid })
  return cid
}

/** Flips a bit of a block on disk. @returns its CID */
async function tamper(store: SlotsStore & ReturnType<typeof memorySlotsStore>, tree: Cid, index: number): Promise<Cid> {
  const [cid] = await store.repo.getLeaves(tree, [index])
  const key = blockKey(cid as Cid)
  const record = decodeBlockRecord(key, (await store.datastore.get(key)) as Uint8Array)
  const offset = (unitsOf(record)[0] as number) * BLOCK
  const [bytes] = await store.slab.read([{ offset, length: 1 }])
  await store.slab.write([{ offset, bytes: Uint8Array.of((bytes?.[0] as number) ^ 1) }])
  return cid as Cid
}

describe('protecting', () => {
  it.each([
    [0, 1, 'erasure/bad-code'],
    [-1, 1, 'erasure/bad-code'],
    [1.5, 1, 'erasure/bad-code'],
    [Number.NaN, 1, 'erasure/bad-code'],
    [2, -1, 'erasure/bad-code'],
    [2, 3, 'erasure/bad-code'],
    [129, 128, 'erasure/bad-code'],
    [256, 1, 'erasure/bad-code'],
    [8, 2, 'erasure/too-small'],
  ])('with K %s and M %s is refused', async (ecK, ecM, code) => {
    const { store, cid } = await uploaded()
    await expectRefused(store, () => store.slots.protect(cid, { ecK, ecM, signal }), { code })
  })

  it('of other block sizes is refused', async () => {
    const { store, manifest } = await uploaded()
    const cid = await putManifest(store, { ...manifest, blockSize: 32_768 })
    const protect = () => store.slots.protect(cid, { ecK: 1, ecM: 1, signal })
    await expectRefused(store, protect, { code: 'erasure/wrong-block-size', detail: { foundBytes: 32_768 } })
  })

  it.each([0, 4, 6])('names the block %s that is missing', async (index) => {
    const { store, cid, manifest } = await uploaded()
    await store.repo.dropLeaves(manifest.treeCid, [index])
    const protect = () => store.slots.protect(cid, { ecK: 3, ecM: 2, signal })
    await expectRefused(store, protect, { code: 'dataset/block-missing', detail: { index } })
    await expectNoOrphans(store)
  })

  it('names the block whose bytes have changed', async () => {
    const { store, cid, manifest } = await uploaded()
    const damaged = await tamper(store, manifest.treeCid, 3)
    // The read that finds it puts it in quarantine: that is the one change there is.
    await expect(store.repo.get(damaged)).rejects.toMatchObject({ code: 'store/block-corrupted' })
    const protect = () => store.slots.protect(cid, { ecK: 3, ecM: 2, signal })
    await expectRefused(store, protect, { code: 'dataset/block-damaged', detail: { index: 3 } })
  })

  it('that does not fit into the quota stores nothing', async () => {
    const store = memorySlotsStore({ quotaBytes: 8 * BLOCK })
    const { cid } = await store.datasets.upload(streamOf(BYTES), { signal })
    const protect = () => store.slots.protect(cid, { ecK: 3, ecM: 2, signal })
    await expectRefused(store, protect, { code: 'store/quota-exceeded' })
    await expectNoOrphans(store)
  })

  it('that would be over after its blocks expire stores nothing', async () => {
    const { store, cid } = await uploaded()
    const expiry = store.clock.now() - 1
    await expect(store.slots.protect(cid, { ecK: 3, ecM: 2, expiry, signal })).rejects.toMatchObject({
      code: 'upload/outlived',
    })
    await expectNoOrphans(store)
  })
})

describe('building', () => {
  it.each([
    [0, 0],
    [1, 2],
    [4, 1],
  ])('names slot %s and block %s that are missing', async (slot, block) => {
    const { store, protectedCid, verifiableCid, manifest } = await built()
    await store.datasets.remove(verifiableCid, { signal })
    await store.repo.dropLeaves(manifest.treeCid, [slot * 3 + block])
    const build = () => store.slots.build(protectedCid, { signal })
    await expectRefused(store, build, { code: 'slots/block-missing', detail: { slot, block, index: slot * 3 + block } })
    await expectNoOrphans(store)
  })

  it('names the block whose bytes have changed', async () => {
    const { store, protectedCid, verifiableCid, manifest } = await built()
    await store.datasets.remove(verifiableCid, { signal })
    await tamper(store, manifest.treeCid, 13)
    await expect(store.slots.build(protectedCid, { signal })).rejects.toMatchObject({
      code: 'slots/block-damaged',
      detail: { slot: 4, block: 1, index: 13 },
    })
    await expectNoOrphans(store)
    const build = () => store.slots.build(protectedCid, { signal })
    await expectRefused(store, build, { code: 'slots/block-damaged' })
  })

  it('of one slot tells a manifest that is not genuine', async () => {
    const { store, verifiableCid, protectedCid, plainCid, manifest } = await built()
    for (const cid of [plainCid, protectedCid]) await store.datasets.remove(cid, { signal })
    const root = (first: number) => makeCid(CODEX_SLOT_ROOT, IDENTITY, new Uint8Array(32).fill(first, 0, 1))
    const refused = async (foreign: VerifiableManifest, code: string, detail: object = {}) => {
      const build = () => store.slots.buildSlot(foreign, 1, { signal })
      await expectRefused(store, build, { code, detail })
    }
    const { slotRoots, treeCid } = manifest
    const swapped = [...slotRoots.slice(0, 3), root(1), ...slotRoots.slice(4)]
    await refused({ ...manifest, slotRoots: swapped }, 'slots/wrong-verify-root')
    await refused({ ...manifest, slotRoots: slotRoots.slice(1) }, 'manifest/slot-roots-disagree')
    await refused({ ...manifest, slotRoots: [...slotRoots, root(1)] }, 'manifest/slot-roots-disagree')
    const verifyRoot = makeCid(CODEX_PROVING_ROOT, IDENTITY, new Uint8Array(32))
    await refused({ ...manifest, verifyRoot }, 'slots/wrong-verify-root')
    await refused({ ...manifest, cellSize: 4096 }, 'slots/wrong-cell-size')
    await refused({ ...manifest, verifiableStrategy: 'stepped' }, 'slots/unsupported-strategy')
    for (const index of [-1, 5, 0.5, Number.NaN])
      await expectRefused(store, () => store.slots.buildSlot(manifest, index, { signal }), {
        code: 'slots/no-such-slot',
      })
    // Genuine in itself, and yet not of these blocks: two slots have each other's roots.
    const crossed = [slotRoots[0], slotRoots[2], slotRoots[1], ...slotRoots.slice(3)] as Cid[]
    const other = memorySlotsStore()
    const { SlotHasher } = await import('../../src/slots/slothasher.ts')
    const { testCompute } = await import('../fakes/slotsstore.ts')
    const hasher = new SlotHasher(testCompute(other.clock).poseidon2, { signal, rank: 'sale' })
    const foreign = { ...manifest, slotRoots: crossed, verifyRoot: await hasher.verifyRoot(crossed) }
    await refused(foreign, 'slots/wrong-root', { slot: 1 })
    await expectNoOrphans(store)
    expect(await store.repo.getLeaves(treeCid, [0])).not.toEqual([undefined])
    expect((await store.slots.verify(verifiableCid, { signal })).every(({ outcome }) => outcome === 'ok')).toBe(true)
  })

  it('refuses roots that are no elements of the field before they become a manifest', () => {
    const order = Uint8Array.from({ length: 32 }, (_, i) =>
      Number((21888242871839275222246405745257275088548364400416034343698204186575808495617n >> BigInt(8 * i)) & 0xffn),
    )
    expect(() => makeCid(CODEX_SLOT_ROOT, IDENTITY, order)).toThrow(
      expect.objectContaining({ code: 'cid/digest-not-in-field' }) as CodexError,
    )
  })
})

describe('a request', () => {
  it('is not served with the slots of another dataset', async () => {
    const { store, protectedCid, verifiableCid, manifest } = await built()
    const merkleRoot = `0x${toHex(manifest.verifyRoot.digest)}`
    const challenge = `0x${'2a'.repeat(32)}`
    const verbs = (root: string) => [
      () => store.slots.repair(verifiableCid, 1, { merkleRoot: root, signal }),
      () => store.slots.verify(verifiableCid, { merkleRoot: root, signal }),
      () => store.slots.build(verifiableCid, { merkleRoot: root, signal }),
      () => store.slots.build(protectedCid, { merkleRoot: root, signal }),
      () => store.slots.proofInputs(verifiableCid, 1, challenge, { merkleRoot: root, signal }),
    ]
    for (const verb of verbs(merkleRoot)) await verb()
    const expiry = store.clock.now() + 10 ** 8
    for (const verb of [
      ...verbs(`0x${'11'.repeat(32)}`),
      () => store.slots.build(protectedCid, { merkleRoot: `0x${'11'.repeat(32)}`, expiry, signal }),
    ])
      await expectRefused(store, verb, { code: 'slots/wrong-merkle-root' })
    for (const verb of verbs('0x11')) await expectRefused(store, verb, { code: 'slots/bad-merkle-root' })
    await expectNoOrphans(store)
  })
})

describe('a manifest of which all trees are here', () => {
  /** With roots in this order. */
  async function rooted(store: SlotsStore, manifest: VerifiableManifest, slotRoots: readonly Cid[]) {
    const { SlotHasher } = await import('../../src/slots/slothasher.ts')
    const { testCompute } = await import('../fakes/slotsstore.ts')
    const hasher = new SlotHasher(testCompute(store.clock).poseidon2, { signal, rank: 'sale' })
    return { ...manifest, slotRoots, verifyRoot: await hasher.verifyRoot(slotRoots) }
  }

  it('is compared with the blocks when it gives slots the roots of others', async () => {
    const { store, manifest } = await built()
    const [first, second, third, ...others] = manifest.slotRoots as [Cid, Cid, Cid]
    const crossed = await putManifest(store, await rooted(store, manifest, [first, third, second, ...others]))
    const build = (cid: Cid) => () => store.slots.build(cid, { signal })
    await expectRefused(store, build(crossed), { code: 'slots/wrong-root', detail: { slot: 1 } })
    // The tree of slot 0 is held for slot 0 alone, though it was built of a manifest that has its root twice.
    const twice = await rooted(store, manifest, [first, first, third, ...others])
    const cid = await putManifest(store, twice)
    await store.slots.buildSlot(twice, 0, { signal })
    await expectRefused(store, build(cid), { code: 'slots/wrong-root', detail: { slot: 1 } })
    const reports = await store.slots.verify(cid, { signal })
    expect(reports.map(({ outcome }) => outcome)).toEqual(['ok', 'wrong root', 'ok', 'ok', 'ok'])
  })

  it('is refused when its sizes are not those of its tree', async () => {
    const { store, manifest } = await built()
    const { datasetSize, originalDatasetSize } = manifest
    const larger = { ...manifest, datasetSize: 2 * datasetSize, originalDatasetSize: originalDatasetSize + 9 * BLOCK }
    const cid = await putManifest(store, larger)
    const disagrees = { code: 'slots/tree-disagrees', detail: { expectedBlocks: 30, foundBlocks: 15 } }
    await expectRefused(store, () => store.slots.build(cid, { signal }), disagrees)
    await expectRefused(store, () => store.slots.buildSlot(larger, 0, { signal }), disagrees)
    await expectRefused(store, () => store.slots.verify(cid, { signal }), disagrees)
    await expectRefused(store, () => store.slots.repair(cid, 0, { signal }), disagrees)
    const { slots } = await store.slots.show(cid, { signal })
    expect(slots.map(({ hasTree }) => hasTree)).toEqual(Array(5).fill(false))
  })

  it('is refused when its blocks are those of a tree that is not here', async () => {
    const { store, manifest, plainCid } = await built()
    const { originalTreeCid: treeCid } = manifest
    await store.datasets.remove(plainCid, { signal })
    const cid = await putManifest(store, { ...manifest, treeCid })
    const build = () => store.slots.build(cid, { signal })
    await expectRefused(store, build, { code: 'slots/block-missing', detail: { slot: 0, block: 0 } })
    expect(await store.slots.verify(cid, { index: 1, signal })).toMatchObject([
      { outcome: 'blocks missing', missing: [0, 1, 2], hasTree: true },
    ])
  })
})

describe('a manifest that speaks of more than is here', () => {
  /** 2^27 blocks in each slot once padded, the most the circuit has room for: 4 GiB of leaves for each. */
  const STEPS = 2 ** 26 + 1

  async function huge() {
    const { store, manifest } = await built()
    const foreign: VerifiableManifest = {
      ...manifest,
      treeCid: makeCid(CODEX_ROOT, SHA2_256, new Uint8Array(32).fill(9)),
      datasetSize: 5 * STEPS * BLOCK,
      originalDatasetSize: 3 * STEPS * BLOCK,
    }
    return { store, manifest: foreign, cid: await putManifest(store, foreign) }
  }

  it('takes neither memory nor time', async () => {
    const { store, manifest, cid } = await huge()
    const missing = { code: 'slots/block-missing', detail: { slot: 0, block: 0 } }
    const calls = callsOf(store)
    await expectRefused(store, () => store.slots.build(cid, { signal }), missing)
    await expectRefused(store, () => store.slots.buildSlot(manifest, 0, { signal }), missing)
    await expectRefused(store, () => store.slots.repair(cid, 0, { signal }), { code: 'erasure/too-few-rows' })
    await expectRefused(store, () => store.slots.decode(cid, { signal }), { code: 'erasure/too-few-rows' })
    const plain: Manifest = {
      kind: 'plain',
      layout: manifest.layout,
      treeCid: manifest.treeCid,
      blockSize: BLOCK,
      datasetSize: 3 * STEPS * BLOCK,
    }
    const plainCid = await putManifest(store, plain)
    const protect = () => store.slots.protect(plainCid, { ecK: 3, ecM: 2, signal })
    await expectRefused(store, protect, { code: 'dataset/block-missing', detail: { index: 0 } })
    const reports = await store.slots.verify(cid, { signal })
    const first = Array.from({ length: 1024 }, (_, i) => i)
    for (const report of reports)
      expect(report).toMatchObject({ outcome: 'blocks missing', missingBlocks: STEPS, missing: first, hasTree: false })
    const { slots } = await store.slots.show(cid, { signal })
    expect(slots.map(({ presentBlocks, hasTree }) => [presentBlocks, hasTree])).toEqual(Array(5).fill([0, false]))
    await store.slots.ensureExpiry(cid, store.clock.now() + 1000, { signal })
    expect(calls()).toBeLessThan(1000)
  })

  it('is read as far as its pages go', async () => {
    const { store, manifest, cid } = await huge()
    const [block] = (await hashBlocks(TEST_HASHER, [seededBytes(BLOCK, 5)])) as [VerifiedBlock]
    await store.repo.put(block)
    const places = [0, STEPS - 1, STEPS, 4 * STEPS + 9]
    await store.repo.putLeaves(
      manifest.treeCid,
      5 * STEPS,
      places.map((index) => ({ index, blockCid: block.cid })),
    )
    const calls = callsOf(store)
    const { slots } = await store.slots.show(cid, { signal })
    expect(slots.map(({ presentBlocks }) => presentBlocks)).toEqual([2, 1, 0, 0, 1])
    const reports = await store.slots.verify(cid, { signal })
    expect(reports.map(({ missingBlocks }) => missingBlocks)).toEqual([2, 1, 0, 0, 1].map((here) => STEPS - here))
    expect(reports.map(({ missing }) => missing[0])).toEqual([1, 1, 0, 0, 0])
    expect(reports[4]?.missing.slice(7, 11)).toEqual([7, 8, 10, 11])
    await expectRefused(store, () => store.slots.build(cid, { signal }), {
      code: 'slots/block-missing',
      detail: { slot: 0, block: 1 },
    })
    const expiry = store.clock.now() + 10 ** 7
    expect(await store.slots.ensureExpiry(cid, expiry, { signal })).toMatchObject({ prolongedBlocks: 4 })
    expect(await store.slots.dropSlot(cid, 0, { signal })).toBe(2)
    expect(calls()).toBeLessThan(1000)
  })
})

/** Counts how often the index is asked from now on. */
function callsOf({ datastore }: SlotsStore): () => number {
  let calls = 0
  for (const verb of ['get', 'getMany', 'entries'] as const) {
    const inner = datastore[verb].bind(datastore) as (...args: unknown[]) => unknown
    Object.assign(datastore, {
      [verb]: (...args: unknown[]) => {
        calls++
        return inner(...args)
      },
    })
  }
  return () => calls
}

describe('repairing', () => {
  it('names the step that has too few rows, and begins nothing', async () => {
    const { store, plainCid, protectedCid, verifiableCid, manifest } = await built()
    for (const cid of [plainCid, protectedCid]) await store.datasets.remove(cid, { signal })
    await store.repo.dropLeaves(manifest.treeCid, [1, 3 + 1, 12 + 1])
    const refused = { code: 'erasure/too-few-rows', detail: { step: 1, neededRows: 3, foundRows: 2 } }
    await expectRefused(store, () => store.slots.repair(verifiableCid, 0, { signal }), refused)
    await expectRefused(store, () => store.slots.decode(verifiableCid, { signal }), refused)
    // A slot of which nothing is missing needs no other.
    expect(await store.slots.repair(verifiableCid, 2, { signal })).toMatchObject({ rebuiltBlocks: 0 })
  })

  it('does without a block whose bytes have changed, and replaces it', async () => {
    const { store, plainCid, protectedCid, verifiableCid, manifest } = await built()
    for (const cid of [plainCid, protectedCid]) await store.datasets.remove(cid, { signal })
    await tamper(store, manifest.treeCid, 0)
    await tamper(store, manifest.treeCid, 3 + 2)
    await store.slots.dropSlot(verifiableCid, 3, { signal })
    const [report] = await store.slots.verify(verifiableCid, { index: 0, signal })
    expect(report).toMatchObject({ index: 0, outcome: 'blocks damaged', damaged: [0], damagedBlocks: 1, missing: [] })
    expect(await store.slots.repair(verifiableCid, 3, { signal })).toMatchObject({ rebuiltBlocks: 3 })
    for (const slot of [0, 1]) {
      expect(await store.slots.repair(verifiableCid, slot, { signal })).toMatchObject({ rebuiltBlocks: 1 })
      const [again] = await store.slots.verify(verifiableCid, { index: slot, signal })
      expect(again).toMatchObject({ outcome: 'ok', damaged: [] })
    }
    await store.repo.dropLeaves(manifest.treeCid, [6 + 1])
    await tamper(store, manifest.treeCid, 6)
    const [both] = await store.slots.verify(verifiableCid, { index: 2, signal })
    expect(both).toMatchObject({ outcome: 'blocks missing', damaged: [0], missing: [1] })
    await store.slots.repair(verifiableCid, 2, { signal })
    expect((await store.repo.recount({ signal })).problems).toEqual([])
    await expectNoOrphans(store)
  })

  it('takes no block that makes another root', async () => {
    const { store, plainCid, protectedCid, verifiableCid, manifest } = await built()
    for (const cid of [plainCid, protectedCid]) await store.datasets.remove(cid, { signal })
    // Slot 4 is lost, and where a block of slot 0 stood there is another one that is sound in itself.
    await store.slots.dropSlot(verifiableCid, 4, { signal })
    await store.repo.dropLeaves(manifest.treeCid, [2])
    const [wrong] = await hashBlocks(TEST_HASHER, [seededBytes(BLOCK, 99)])
    await store.repo.put(wrong as NonNullable<typeof wrong>)
    await store.repo.putLeaves(manifest.treeCid, 15, [{ index: 2, blockCid: (wrong as { cid: Cid }).cid }])
    await expectRefused(store, () => store.slots.repair(verifiableCid, 4, { signal }), {
      code: 'slots/wrong-root',
      detail: { slot: 4 },
    })
    expect((await store.slots.verify(verifiableCid, { signal })).map(({ outcome }) => outcome)).toEqual([
      'wrong root',
      'ok',
      'ok',
      'ok',
      'blocks missing',
    ])
    await expectNoOrphans(store)
    await expectRefused(store, () => store.slots.decode(verifiableCid, { signal }), {
      code: 'erasure/wrong-original-tree',
    })
  })

  it('finds a row that disagrees with a leaf that is known', async () => {
    const { store, plainCid, protectedCid, verifiableCid, manifest } = await built()
    for (const cid of [plainCid, protectedCid]) await store.datasets.remove(cid, { signal })
    const [wrong] = await hashBlocks(TEST_HASHER, [seededBytes(BLOCK, 98)])
    await store.repo.put(wrong as NonNullable<typeof wrong>)
    await store.repo.dropLeaves(manifest.treeCid, [0])
    await store.repo.putLeaves(manifest.treeCid, 15, [{ index: 0, blockCid: (wrong as { cid: Cid }).cid }])
    await tamper(store, manifest.treeCid, 12)
    await expect(store.slots.repair(verifiableCid, 4, { signal })).rejects.toMatchObject({
      code: 'erasure/wrong-block',
      detail: { index: 12 },
    })
    await expectNoOrphans(store)
  })
})

describe('reading', () => {
  async function lossy() {
    const { store, plainCid, protectedCid, verifiableCid, manifest } = await built()
    await store.datasets.remove(plainCid, { signal })
    // Of three rows: one block is lost in each of two steps, and one is damaged.
    await store.repo.dropLeaves(manifest.treeCid, [0, 4])
    await tamper(store, manifest.treeCid, 3)
    return { store, manifest, cids: [protectedCid, verifiableCid] }
  }

  it('computes what is missing or damaged, and stores nothing', async () => {
    const { store, cids } = await lossy()
    for (const cid of cids) {
      expectBytes(await collect(store.datasets.read(cid, { signal })), BYTES)
      const before = await indexOf(store)
      const range = { offset: 2 * BLOCK + 5, length: 3 * BLOCK }
      expectBytes(
        await collect(store.datasets.read(cid, { ...range, signal })),
        BYTES.subarray(range.offset, range.offset + range.length),
      )
      expect(await indexOf(store)).toEqual(before)
    }
  })

  it('of what cannot be computed names the block, and the way to mend it', async () => {
    const { store, manifest, cids } = await lossy()
    await store.repo.dropLeaves(manifest.treeCid, [6, 9])
    const message: unknown = expect.stringContaining('slots repair')
    for (const cid of cids)
      await expect(collect(store.datasets.read(cid, { signal }))).rejects.toMatchObject({
        code: 'dataset/block-missing',
        message,
        detail: { index: 0 },
      })
    const [cid] = cids as [Cid]
    const tail = { offset: 3 * BLOCK, length: BLOCK, signal }
    await expect(collect(store.datasets.read(cid, tail))).rejects.toMatchObject({
      code: 'dataset/block-damaged',
      message,
      detail: { index: 3 },
    })
  })
})

describe('proof inputs', () => {
  const challenge = `0x${'2a'.repeat(32)}`

  it('name the first of the blocks that are not there', async () => {
    const store = memorySlotsStore()
    const { cid } = await store.datasets.upload(streamOf(seededBytes(16 * BLOCK, 33)), { signal })
    const { verifiableCid, plainCid, protectedCid, manifest } = await store.slots.protect(cid, {
      ecK: 2,
      ecM: 1,
      signal,
    })
    for (const each of [plainCid, protectedCid]) await store.datasets.remove(each, { signal })
    const found = new Set<unknown>()
    for (const lost of [7, 6, 5, 4, 3, 2, 1, 0]) {
      await store.repo.dropLeaves(manifest.treeCid, [lost])
      for (let i = 0; i < 4; i++) {
        const own = `0x${String(10 + i).repeat(32)}`
        const blocks = await samplesOf(store, verifiableCid, own)
        const first = Math.min(...blocks.filter((block) => block >= lost))
        if (!Number.isFinite(first)) continue
        await expect(store.slots.proofInputs(verifiableCid, 0, own, { signal })).rejects.toMatchObject({
          code: 'slots/block-missing',
          detail: { slot: 0, block: first },
        })
        found.add(first)
      }
    }
    expect(found.size).toBeGreaterThan(2)
  })

  /** The blocks of slot 0 that a challenge samples. */
  async function samplesOf(store: SlotsStore, cid: Cid, own: string): Promise<number[]> {
    const { testCompute } = await import('../fakes/slotsstore.ts')
    const { sampleCells, challengeEntropy } = await import('../../src/slots/samplecells.ts')
    const { slotRoots } = (await store.datasets.manifest(cid)) as VerifiableManifest
    const slotRoot = readElement((slotRoots[0] as Cid).digest)
    const sample = { entropy: challengeEntropy(own), slotRoot, cellCount: 8 * 32 }
    const cells = await sampleCells(testCompute(store.clock).poseidon2, sample, { signal, rank: 'duty' })
    return cells.map((cell) => Math.floor(cell / 32))
  }

  it('need a slot, a challenge, the tree and the blocks', async () => {
    const { store, plainCid, protectedCid, verifiableCid, manifest } = await built()
    for (const cid of [plainCid, protectedCid]) await store.datasets.remove(cid, { signal })
    const inputs =
      (index: number, text = challenge) =>
      () =>
        store.slots.proofInputs(verifiableCid, index, text, { signal })
    await expectRefused(store, inputs(5), { code: 'slots/no-such-slot' })
    await expectRefused(store, inputs(-1), { code: 'slots/no-such-slot' })
    await expectRefused(store, inputs(0, '0x12'), { code: 'slots/bad-challenge' })
    await store.slots.dropSlot(verifiableCid, 1, { signal })
    await expectRefused(store, inputs(1), { code: 'slots/block-missing', detail: { slot: 1 } })
    await store.slots.repair(verifiableCid, 1, { signal })
    for (const index of [0, 1, 2]) await tamper(store, manifest.treeCid, index)
    await expect(inputs(0)()).rejects.toMatchObject({ code: 'slots/block-damaged', detail: { slot: 0 } })
    const { datastore } = store
    const [root] = manifest.slotRoots.slice(2)
    const { treeKey } = await import('../../src/storage/treerecord.ts')
    await datastore.commit([{ drop: treeKey(root as Cid) }])
    await expectRefused(store, inputs(2), { code: 'slots/tree-missing', detail: { slot: 2 } })
    await store.slots.build(verifiableCid, { signal }).catch(() => undefined)
    await store.slots.repair(verifiableCid, 2, { signal })
    expect(await inputs(2)()).toMatchObject({ slotIndex: 2, nSlotsPerDataSet: 5 })
  })
})
