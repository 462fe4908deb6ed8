// Trees that go while others come: the sweep of a removed tree may take minutes, in which nobody waits for it.

import { expect, it } from 'vitest'
import type { Cid } from '../../src/protocol/cid.ts'
import type { Datastore, EntriesOptions, Key } from '../../src/storage/datastore.ts'
import { leavesKey } from '../../src/storage/leafpage.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { putProvenLeaves } from '../../src/storage/putprovenleaves.ts'
import { nodesKey } from '../../src/storage/treenodes.ts'
import { SWEEPS_PREFIX, readTreeRecord } from '../../src/storage/treerecord.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { CrashingSlabFile } from '../fakes/crashingslabfile.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import { NEVER, TEST_HASHER, collect, seededBytes, streamOf, testStore } from '../fakes/memorystore.ts'

const signal = NEVER
const BLOCK = 65_536
const BYTES = seededBytes(5 * BLOCK, 6)

/** Holds the `nth` walk over a prefix until it is let go. */
class HeldDatastore extends MemoryDatastore implements Datastore {
  #prefix: string | undefined
  #nth = 0
  #letGo: () => void = () => undefined
  #reached: () => void = () => undefined

  /** @returns what settles once it is held, and the call that lets it go */
  holdWalk(prefix: Key, nth: number): { readonly held: Promise<void>; readonly letGo: () => void } {
    this.#prefix = String(prefix)
    this.#nth = nth
    const held = new Promise<void>((resolve) => (this.#reached = resolve))
    return { held, letGo: () => this.#letGo() }
  }

  override async *entries(prefix: Key, options: EntriesOptions): AsyncGenerator<readonly [Key, Uint8Array], void> {
    if (String(prefix) === this.#prefix && --this.#nth === 0) {
      const until = new Promise<void>((resolve) => (this.#letGo = resolve))
      this.#reached()
      await until
    }
    yield* super.entries(prefix, options)
  }
}

async function heldStore() {
  const datastore = new HeldDatastore()
  const store = testStore({ datastore, slab: new CrashingSlabFile() })
  const upload = async (bytes: Uint8Array) => (await store.datasets.upload(streamOf(bytes), { signal })).cid
  const first = await store.datasets.upload(streamOf(BYTES), { signal })
  const treeId = await numberOf(datastore, first.manifest.treeCid)
  return { ...store, datastore, upload, first, treeId }
}

async function numberOf(datastore: Datastore, tree: Cid): Promise<number> {
  return ((await readTreeRecord(datastore, tree)) as { id: number }).id
}

async function expectOnly(store: Awaited<ReturnType<typeof heldStore>>, cids: readonly Cid[]): Promise<void> {
  const { datastore, datasets, repo, treeId } = store
  for (const prefix of [leavesKey(treeId), nodesKey(treeId)])
    for await (const _ of datastore.entries(prefix, { signal })) throw new Error('nothing is left of what was removed')
  expect((await repo.recount({ signal })).problems).toEqual([])
  for (const cid of cids) await datasets.remove(cid, { signal })
  expect(await repo.space()).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
  expect((await repo.recount({ signal })).problems).toEqual([])
}

/** Which walk of the sweep is held. */
const MOMENTS = {
  'before its leaves go': [leavesKey, 1],
  'after them': [leavesKey, 2],
  'among its nodes': [nodesKey, 1],
} as const

it.each(Object.entries(MOMENTS))('what is removed is taken up again while it is swept, %s', async (_, [keyOf, nth]) => {
  const store = await heldStore()
  const { datastore, datasets, upload, first, treeId } = store
  const { held, letGo } = datastore.holdWalk(keyOf(treeId), nth)
  let removed: string | undefined
  const removing = datasets.remove(first.cid, { signal }).then((outcome) => (removed = outcome))
  await held
  const done: Cid[] = []
  const others = Promise.all([BYTES, seededBytes(2 * BLOCK, 7)].map(async (each) => done.push(await upload(each))))
  await expect.poll(() => done.length).toBe(2)
  expect(removed).toBeUndefined()
  expectBytes(await collect(datasets.read(first.cid, { signal })), BYTES)
  letGo()
  expect(await removing).toBe('removed')
  await others
  expectBytes(await collect(datasets.read(first.cid, { signal })), BYTES)
  await expectOnly(store, done)
})

it('leaves of a tree that come from peers while it is swept are there afterwards', async () => {
  const store = await heldStore()
  const { datastore, datasets, repo, first, treeId } = store
  const proof = await repo.getProof(first.manifest.treeCid, 2)
  const [block] = await hashBlocks(TEST_HASHER, [BYTES.slice(2 * BLOCK, 3 * BLOCK)])
  if (proof === undefined || block === undefined) throw new Error('the store has what was uploaded')
  const { held, letGo } = datastore.holdWalk(leavesKey(treeId), 1)
  const removing = datasets.remove(first.cid, { signal })
  await held
  const leaf = { block, expiry: 2_000_000, index: 2, path: proof.path }
  await putProvenLeaves(repo.parts, first.manifest.treeCid, 5, [leaf])
  letGo()
  expect(await removing).toBe('removed')
  const [found] = await repo.getAt(first.manifest.treeCid, [2])
  expect(found).toEqual(block.bytes)
  expect(await repo.dropLeaves(first.manifest.treeCid, [2])).toBe(1)
  await expectOnly(store, [])
})

it('whoever has the same content takes over while the former tree is swept', async () => {
  const store = await heldStore()
  const { datastore, datasets, upload, first, treeId } = store
  const { held, letGo } = datastore.holdWalk(leavesKey(treeId), 1)
  const again = upload(BYTES)
  await held
  const other = await upload(seededBytes(BLOCK, 8))
  expectBytes(await collect(datasets.read(first.cid, { signal })), BYTES)
  expect(await datasets.remove(first.cid, { signal })).toBe('removed')
  letGo()
  await again
  await expectOnly(store, [other])
})

it('a sweep under way ends where it is once the rest is left, and the next start goes on', async () => {
  const store = await heldStore()
  const { datastore, datasets, repo, treeId, logged } = store
  const { held, letGo } = datastore.holdWalk(leavesKey(treeId + 1), 2)
  const broken = async function* () {
    yield seededBytes(130 * BLOCK, 9)
    throw new Error('the source broke')
  }
  const upload = expect(datasets.upload(broken(), { signal })).rejects.toThrow('the source broke')
  await held
  datasets.trees.leaveSweeps()
  letGo()
  await upload
  await datasets.close()
  const notes = () => collectKeys(datastore, SWEEPS_PREFIX)
  expect(await notes()).toHaveLength(1)
  expect(logged.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  const restarted = testStore({ datastore, slab: store.slab.reopen() })
  await restarted.datasets.recover({ signal })
  expect(await notes()).toHaveLength(0)
  expect(await restarted.repo.space()).toMatchObject({ totalBlocks: 6 })
  expect((await restarted.repo.recount({ signal })).problems).toEqual([])
  expect((await repo.recount({ signal })).problems).toEqual([])
})

async function collectKeys(datastore: Datastore, prefix: Key): Promise<Key[]> {
  const keys: Key[] = []
  for await (const [key] of datastore.entries(prefix, { signal })) keys.push(key)
  return keys
}
