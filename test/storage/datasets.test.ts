// Uploads that fail, meet each other or meet removals; and expiry of whole datasets.

import { describe, expect, it } from 'vitest'
import { makeCid } from '../../src/protocol/cid.ts'
import { CODEX_SLOT_CELL, CODEX_SLOT_ROOT, IDENTITY, POSEIDON2_MERKLE_2KB } from '../../src/protocol/multicodec.ts'
import { verifyMerkleProof } from '../../src/protocol/merkleproof.ts'
import { CodexError } from '../../src/lib/errors.ts'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { MemorySlabFile } from '../../src/storage/memoryslabfile.ts'
import type { SlabRange } from '../../src/storage/slabfile.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import type { VerifiedBlock } from '../../src/storage/verifiedblock.ts'
import { expectAllBytes, expectBytes } from '../fakes/expectbytes.ts'
import { FaultyDatastore } from '../fakes/faultydatastore.ts'
import type { TestStore } from '../fakes/memorystore.ts'
import { NEVER, TEST_HASHER, collect, memoryStore, seededBytes, streamOf, testStore } from '../fakes/memorystore.ts'

const BLOCK = 65_536
/** Three groups of blocks. */
const LARGE = seededBytes(20 * 1024 * 1024 + 77, 5)
const SMALL = seededBytes(3 * BLOCK, 6)

const NOTHING = { totalBlocks: 0, quotaUsedBytes: 0, quotaReservedBytes: 0 }

async function expectClean({ repo }: TestStore): Promise<void> {
  expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
}

/** Gives all its bytes and then is silent, for ever or until told. */
async function* hanging(
  reached: () => void = () => undefined,
  until: Promise<void> = new Promise(() => undefined),
): AsyncGenerator<Uint8Array, void> {
  yield* streamOf(LARGE, 1_000_000)
  reached()
  await until
}

async function* breaking(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield* streamOf(bytes, 1_000_000)
  throw new Error('the source broke')
}

describe('an upload that is killed', () => {
  it('gives its space back at the next start', async () => {
    const store = memoryStore()
    let reached: () => void = () => undefined
    const underWay = new Promise<void>((resolve) => {
      reached = resolve
    })
    void store.datasets.upload(hanging(reached), { signal: NEVER })
    await underWay
    while ((await store.repo.space()).totalBlocks < 256) await Promise.resolve()
    const restarted = testStore({ datastore: store.datastore, slab: store.slab.reopen() })
    await expectClean(restarted)
    await restarted.datasets.recover({ signal: NEVER })
    expect(await restarted.repo.space()).toMatchObject(NOTHING)
    await expectClean(restarted)
  })
})

it('an upload under way is no crash to recover from', async () => {
  const store = memoryStore()
  let letGo: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const upload = store.datasets.upload(hanging(undefined, held), { signal: NEVER })
  // Two whole groups are stored, the rest waits for the source to end.
  while ((await store.repo.space()).totalBlocks < 256) await Promise.resolve()
  await store.datasets.recover({ signal: NEVER })
  expect((await store.repo.space()).totalBlocks).toBe(256)
  letGo()
  const { cid } = await upload
  expectBytes(await collect(store.datasets.read(cid, { signal: NEVER })), LARGE)
  await expectClean(store)
})

describe('an upload that fails', () => {
  it('leaves nothing behind when its source breaks', async () => {
    const store = memoryStore()
    await expect(store.datasets.upload(breaking(LARGE), { signal: NEVER })).rejects.toThrow('the source broke')
    expect(await store.repo.space()).toMatchObject(NOTHING)
    expect(await store.slab.size()).toBe(0)
    await expectClean(store)
  })

  it('leaves nothing behind when the quota ends at any group', async () => {
    const quotas = [BLOCK, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, 17 * 1024 * 1024, LARGE.length]
    for (const quotaBytes of import.meta.env['LONG'] ? quotas : quotas.slice(2)) {
      const store = memoryStore({ quotaBytes })
      await expect(store.datasets.upload(streamOf(LARGE, 1_000_000), { signal: NEVER })).rejects.toMatchObject({
        code: 'store/quota-exceeded',
      })
      expect(await store.repo.space()).toMatchObject(NOTHING)
      await expectClean(store)
    }
  })

  it('leaves nothing behind when it is aborted, even while its source is silent', async () => {
    const store = memoryStore()
    const controller = new AbortController()
    const silent = hanging(() => controller.abort(new Error('enough')))
    await expect(store.datasets.upload(silent, { signal: controller.signal })).rejects.toThrow('enough')
    expect(await store.repo.space()).toMatchObject(NOTHING)
    await expectClean(store)
  })

  it('leaves nothing behind when the store closes', async () => {
    const store = memoryStore()
    const upload = store.datasets.upload(hanging(), { signal: NEVER })
    const ended = expect(upload).rejects.toMatchObject({ code: 'store/closed' })
    while ((await store.repo.space()).totalBlocks === 0) await Promise.resolve()
    await store.datasets.close()
    await ended
    expect(await store.repo.space()).toMatchObject(NOTHING)
    await expect(store.datasets.upload(streamOf(SMALL), { signal: NEVER })).rejects.toMatchObject({
      code: 'store/closed',
    })
  })

  it('refuses names that no manifest can hold before it stores a block', async () => {
    const store = memoryStore()
    let asked = false
    async function* source(): AsyncGenerator<Uint8Array, void> {
      asked = true
      yield SMALL
    }
    const filename = 'x'.repeat(5000)
    await expect(store.datasets.upload(source(), { filename, signal: NEVER })).rejects.toMatchObject({
      code: 'manifest/bad-text',
    })
    expect(asked).toBe(false)
  })

  it('takes nothing away from another upload of the same bytes that is still under way', async () => {
    const store = memoryStore()
    let letGo: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const surviving = store.datasets.upload(hanging(undefined, held), { signal: NEVER })
    await expect(store.datasets.upload(breaking(LARGE), { signal: NEVER })).rejects.toThrow('the source broke')
    letGo()
    const { cid } = await surviving
    expectBytes(await collect(store.datasets.read(cid, { signal: NEVER })), LARGE)
    await expectClean(store)
    await store.datasets.remove(cid, { signal: NEVER })
    expect(await store.repo.space()).toMatchObject(NOTHING)
  })
})

describe('datasets that share', () => {
  it('are each whole when uploaded and removed at once', async () => {
    const store = memoryStore()
    const upload = (filename: string) => store.datasets.upload(streamOf(SMALL), { filename, signal: NEVER })
    const cidOf = (filename: string) => describeUpload(SMALL, { filename }).manifestCid
    await upload('0')
    for (let round = 1; round <= 20; round++)
      await Promise.all([
        upload(`${round}`),
        store.datasets.remove(cidOf(`${round - 1}`), { signal: NEVER }),
        upload(`${round}`),
      ])
    expectBytes(await collect(store.datasets.read(cidOf('20'), { signal: NEVER })), SMALL)
    await expectClean(store)
    await store.datasets.remove(cidOf('20'), { signal: NEVER })
    expect(await store.repo.space()).toMatchObject(NOTHING)
  })

  it('go when their time is over, leaves and all, and can come back', async () => {
    const store = memoryStore({ blocksPerRun: 2 })
    const later = store.clock.now() + 100
    const { cid } = await store.datasets.upload(streamOf(SMALL), { expiry: later, signal: NEVER })
    store.clock.advance(101)
    for (let run = 0; run < 5; run++) await store.maintenance.run({ signal: NEVER })
    expect(await store.repo.space()).toMatchObject(NOTHING)
    await expectClean(store)
    await expect(store.datasets.manifest(cid)).rejects.toMatchObject({ code: 'dataset/not-found' })
    await store.datasets.upload(streamOf(SMALL), { signal: NEVER })
    expectBytes(await collect(store.datasets.read(cid, { signal: NEVER })), SMALL)
    await expectClean(store)
  })

  it('stay when they were prolonged after maintenance had seen them expired', async () => {
    const store = memoryStore()
    const { cid } = await store.datasets.upload(streamOf(SMALL), { expiry: store.clock.now() + 10, signal: NEVER })
    store.clock.advance(11)
    await store.repo.ensureExpiry([cid], store.clock.now() + 1000)
    expect(await store.datasets.remove(cid, { signal: NEVER, onlyExpired: true })).toBe('in use')
    expectBytes(await collect(store.datasets.read(cid, { signal: NEVER })), SMALL)
    expect(await store.datasets.remove(cid, { signal: NEVER })).toBe('removed')
    expect(await store.repo.space()).toMatchObject(NOTHING)
  })

  it('prove every leaf, whatever the shape of the tree', async () => {
    for (const length of [1, 2, 3, 4, 5, 7, 8, 9].map((blocks) => blocks * BLOCK).concat(LARGE.length)) {
      const store = memoryStore()
      const { manifest, blocks } = await store.datasets.upload(streamOf(LARGE.subarray(0, length), 1_000_000), {
        signal: NEVER,
      })
      const { digest: root } = manifest.treeCid
      for (let index = 0; index < blocks; index++) {
        const [cid] = await store.repo.getLeaves(manifest.treeCid, [index])
        const proof = await store.repo.getProof(manifest.treeCid, index)
        expect(cid && proof && verifyMerkleProof(root, cid.digest, proof)).toBe(true)
      }
    }
  })

  it('leave nothing under their tree when they go', async () => {
    const store = memoryStore()
    const { cid } = await store.datasets.upload(streamOf(LARGE, 1_000_000), { signal: NEVER })
    await store.datasets.remove(cid, { signal: NEVER })
    const left: string[] = []
    for await (const [key] of store.datastore.entries(new TextEncoder().encode('repo/'), { signal: NEVER }))
      left.push(new TextDecoder().decode(key))
    expect(left.filter((key) => !key.startsWith('repo/units/'))).toEqual([])
    expect(await store.slab.size()).toBe(0)
  })

  it('names the block that is missing', async () => {
    const store = memoryStore()
    const { cid, manifest } = await store.datasets.upload(streamOf(SMALL), { signal: NEVER })
    await store.repo.dropLeaves(manifest.treeCid, [1])
    await expect(collect(store.datasets.read(cid, { signal: NEVER }))).rejects.toMatchObject({
      code: 'dataset/block-missing',
      detail: { index: 1 },
    })
    expect(await store.repo.getProof(manifest.treeCid, 2)).toBeDefined()
    expect(await store.repo.getProof(manifest.treeCid, 0)).toBeUndefined()
  })
})

describe('a dataset uploaded again', () => {
  it('is whole again, whatever was damaged of its tree', async () => {
    for (const prefix of ['repo/leaves/', 'repo/nodes/']) {
      const store = memoryStore()
      const { cid, manifest } = await store.datasets.upload(streamOf(SMALL), { signal: NEVER })
      for await (const [key, value] of store.datastore.entries(new TextEncoder().encode(prefix), { signal: NEVER })) {
        value[5] = (value[5] as number) ^ 1
        await store.datastore.commit([{ put: key, value }])
      }
      await store.datasets.upload(streamOf(SMALL), { signal: NEVER })
      expectBytes(await collect(store.datasets.read(cid, { signal: NEVER })), SMALL)
      expect(await store.repo.getProof(manifest.treeCid, 2)).toBeDefined()
      await store.datasets.remove(cid, { signal: NEVER })
    }
  })

  it('takes over from leaves that were put one by one, and from any that come while it ends', async () => {
    const store = memoryStore()
    const { treeCid: tree } = describeUpload(SMALL)
    const [first] = await hashBlocks(TEST_HASHER, [SMALL.subarray(0, BLOCK)])
    await store.repo.put(first as VerifiedBlock)
    await store.repo.putLeaves(tree, 3, [{ index: 0, blockCid: (first as VerifiedBlock).cid }])
    const upload = store.datasets.upload(streamOf(SMALL), { signal: NEVER })
    for (let i = 0; i < 200; i++) {
      await store.repo.put(first as VerifiedBlock)
      await store.repo.putLeaves(tree, 3, [{ index: 0, blockCid: (first as VerifiedBlock).cid }])
      if (i % 3 === 0) await store.repo.dropLeaves(tree, [0])
    }
    const { cid } = await upload
    await store.repo.putLeaves(tree, 3, [{ index: 0, blockCid: (first as VerifiedBlock).cid }])
    expectBytes(await collect(store.datasets.read(cid, { signal: NEVER })), SMALL)
    await expectClean(store)
    await store.datasets.remove(cid, { signal: NEVER })
    expect((await store.repo.space()).totalBlocks).toBe(0)
    await expectClean(store)
  })

  it('fails when it takes longer than its blocks are kept', async () => {
    const store = memoryStore({ blockTtlSeconds: 5 })
    async function* slow(): AsyncGenerator<Uint8Array, void> {
      yield LARGE
      store.clock.advance(12)
      await store.maintenance.run({ signal: NEVER })
      yield SMALL
    }
    await expect(store.datasets.upload(slow(), { signal: NEVER })).rejects.toMatchObject({ code: 'upload/outlived' })
    await expectClean(store)
    expect(await store.repo.space()).toMatchObject(NOTHING)
  })
})

describe('a damaged record', () => {
  it.each(['repo/blocks/', 'repo/leaves/'])(
    'under %s does not keep its dataset from going, nor the node from starting',
    async (prefix) => {
      const store = memoryStore()
      const { cid } = await store.datasets.upload(streamOf(SMALL), { expiry: store.clock.now() + 10, signal: NEVER })
      const kept = await store.datasets.upload(streamOf(LARGE.subarray(0, 2 * BLOCK)), { signal: NEVER })
      const { treeCid: tree } = describeUpload(SMALL)
      const [named] = await store.repo.getLeaves(tree, [1])
      const wanted =
        prefix === 'repo/blocks/' ? [...new TextEncoder().encode(prefix), ...(named?.bytes ?? [])] : undefined
      for await (const [key, value] of store.datastore.entries(
        wanted === undefined ? new TextEncoder().encode(prefix) : Uint8Array.from(wanted),
        { signal: NEVER },
      )) {
        value[3] = (value[3] as number) ^ 8
        await store.datastore.commit([{ put: key, value }])
        break
      }
      store.clock.advance(11)
      for (let run = 0; run < 3; run++) await store.maintenance.run({ signal: NEVER }).catch(() => undefined)
      const restarted = testStore({ datastore: store.datastore, slab: store.slab.reopen(), clock: store.clock })
      await restarted.datasets.recover({ signal: NEVER })
      await restarted.datasets.remove(cid, { signal: NEVER })
      await restarted.datasets.recover({ signal: NEVER })
      await restarted.datasets.upload(streamOf(LARGE), { signal: NEVER })
      expectBytes(await collect(restarted.datasets.read(kept.cid, { signal: NEVER })), LARGE.subarray(0, 2 * BLOCK))
      expect((await restarted.repo.recount({ signal: NEVER })).problems.length).toBeGreaterThan(0)
    },
  )
})

describe('blocks', () => {
  const blocksOf = (seeds: readonly number[]): Promise<VerifiedBlock[]> =>
    hashBlocks(
      TEST_HASHER,
      seeds.map((seed) => seededBytes(BLOCK, seed)),
    )

  it('get units of their own when put at the same time', async () => {
    const store = memoryStore()
    const groups = await Promise.all([blocksOf([1, 2, 3]), blocksOf([4, 5, 6]), blocksOf([7, 8, 9])])
    await Promise.all(groups.map((group) => store.repo.putMany(group)))
    for (const group of groups)
      expectAllBytes(
        await store.repo.getMany(group.map(({ cid }) => cid)),
        group.map(({ bytes }) => bytes),
      )
    await expectClean(store)
  })

  it('that could not be committed give the disk its space back at once', async () => {
    const faults = new FaultyDatastore(new MemoryDatastore())
    const store = testStore({ datastore: faults, slab: new MemorySlabFile() })
    const [one, two] = (await blocksOf([1, 2])) as [VerifiedBlock, VerifiedBlock]
    await store.repo.put(one)
    faults.failAt(1, 'refused')
    await expect(store.repo.putMany([two])).rejects.toMatchObject({ code: 'datastore/failed' })
    expect(await store.slab.size()).toBe(BLOCK)
  })

  it('in quarantine can be put again when the quota is full', async () => {
    const store = memoryStore({ quotaBytes: 2 * BLOCK })
    const [one, two] = (await blocksOf([1, 2])) as [VerifiedBlock, VerifiedBlock]
    await store.repo.putMany([one, two])
    await store.slab.write([{ offset: 5, bytes: Uint8Array.of(1, 2, 3) }])
    await expect(store.repo.get(one.cid)).rejects.toMatchObject({ code: 'store/block-corrupted' })
    expect(await store.repo.put(one)).toBe('stored')
    expectBytes(await store.repo.get(one.cid), one.bytes)
    await expectClean(store)
  })

  it('never share a unit, even when an answer is lost while the slab is cut', async () => {
    /** Its first cut takes until it is told to end. */
    class SlowCut extends MemorySlabFile {
      end: () => void = () => undefined
      readonly #mayEnd = new Promise<void>((resolve) => {
        this.end = resolve
      })
      override async truncate(size: number): Promise<void> {
        await this.#mayEnd
        return super.truncate(size)
      }
    }
    /** Holds a commit until it is told to end, and then says that it failed though it did not. */
    class LostAnswer extends MemoryDatastore {
      lose: Promise<void> | undefined
      override async commit(...args: Parameters<MemoryDatastore['commit']>): Promise<void> {
        const { lose } = this
        this.lose = undefined
        await super.commit(...args)
        if (lose === undefined) return
        await lose
        throw new CodexError('datastore/failed', 'the answer was lost, as the test asked for')
      }
    }
    const datastore = new LostAnswer()
    const store = testStore({ datastore, slab: new SlowCut() })
    const [zero, one, two] = (await blocksOf([0, 1, 2])) as [VerifiedBlock, VerifiedBlock, VerifiedBlock]
    await store.repo.put(zero)
    let lose: () => void = () => undefined
    datastore.lose = new Promise((resolve) => {
      lose = resolve
    })
    const lost = store.repo.putMany([one]).catch((error: unknown) => error)
    // It has its unit and waits for the answer to its commit.
    while (datastore.lose !== undefined) await Promise.resolve()
    const trim = store.repo.trim()
    const waiting = store.repo.putMany([two])
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    lose()
    for (let turn = 0; turn < 50; turn++) await Promise.resolve()
    store.slab.end()
    await trim
    expect(await lost).toMatchObject({ code: 'datastore/failed' })
    await waiting
    for (const block of [zero, one, two]) expectBytes(await store.repo.get(block.cid), block.bytes)
    await expectClean(store)
  })

  it.each([
    [0, []],
    [Number.NaN, []],
    [2, [{ index: 2 }]],
    [2, [{ index: 1.5 }]],
    [2, [{ index: -1 }]],
    [2, [{ index: 0, path: [new Uint8Array(5)] }]],
    [2, [{ index: 0, path: [] }]],
  ])('are no leaves of a tree of %s as %o', async (leafCount, leaves) => {
    const store = memoryStore()
    const [one] = await blocksOf([1])
    const { cid } = one as VerifiedBlock
    await store.repo.put(one as VerifiedBlock)
    const { treeCid: tree } = describeUpload(SMALL)
    const put = async (): Promise<number> =>
      store.repo.putLeaves(
        tree,
        leafCount,
        leaves.map((leaf) => ({ ...leaf, blockCid: cid })),
      )
    await expect(put()).rejects.toMatchObject({ code: 'store/bad-leaf' })
    await store.repo.putLeaves(tree, 3, [{ index: 0, blockCid: cid }])
    await expect(store.repo.putLeaves(tree, 4, [{ index: 1, blockCid: cid }])).rejects.toMatchObject({
      code: 'store/bad-leaf',
    })
    await expectClean(store)
  })

  it('of slot trees are proven with the hash of slot trees', async () => {
    const store = memoryStore()
    const slotRoot = makeCid(CODEX_SLOT_ROOT, IDENTITY, new Uint8Array(32).fill(1))
    const cell = makeCid(CODEX_SLOT_CELL, POSEIDON2_MERKLE_2KB, new Uint8Array(32).fill(2))
    const path = [new Uint8Array(32).fill(3)]
    await store.repo.putLeaves(slotRoot, 2, [{ index: 1, blockCid: cell, path }])
    expect(await store.repo.getProof(slotRoot, 1)).toEqual({ index: 1, leafCount: 2, hashCode: IDENTITY, path })
  })

  it('that move while they are read are found, not quarantined', async () => {
    /** Lets something happen between a read of the index and the read of the bytes. */
    class Interrupted extends MemorySlabFile {
      interrupt: (() => Promise<unknown>) | undefined
      override async read(ranges: readonly SlabRange[]): Promise<Uint8Array[]> {
        const interrupt = this.interrupt
        this.interrupt = undefined
        await interrupt?.()
        return super.read(ranges)
      }
    }
    const store = testStore({ datastore: new MemoryDatastore(), slab: new Interrupted() })
    const [one, two, three] = (await blocksOf([1, 2, 3])) as [VerifiedBlock, VerifiedBlock, VerifiedBlock]
    await store.repo.put(one)
    store.slab.interrupt = async () => {
      await store.repo.drop(one.cid)
      await store.repo.putMany([two, one])
    }
    expectBytes(await store.repo.get(one.cid), one.bytes)
    store.slab.interrupt = async () => {
      await store.repo.drop(one.cid)
      await store.repo.put(three)
    }
    expectBytes(await store.repo.get(one.cid), undefined)
    expect(store.logged.filter(({ level }) => level === 'error')).toEqual([])
    await expectClean(store)
  })
})

it.each([
  { quotaBytes: -1 },
  { quotaBytes: 1.5 },
  { blockTtlSeconds: -1 },
  { intervalSeconds: 0 },
  { blocksPerRun: 0 },
])('a store is not made with bad settings: %o', (settings) => {
  expect(() => memoryStore(settings)).toThrow(CodexError)
})
