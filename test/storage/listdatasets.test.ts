// What a list says of datasets whose manifest, leaves or blocks are damaged, before and after a repair.

import { describe, expect, it } from 'vitest'
import { blocksCount } from '../../src/protocol/manifest.ts'
import { decodeBlockRecord, encodeBlockRecord } from '../../src/storage/blockrecord.ts'
import type { Key } from '../../src/storage/datastore.ts'
import { LEAVES_PREFIX } from '../../src/storage/leafpage.ts'
import { blockKey } from '../../src/storage/storeparts.ts'
import type { TestStore } from '../fakes/memorystore.ts'
import { NEVER, collect, memoryStore, seededBytes, streamOf } from '../fakes/memorystore.ts'
import { expectBytes } from '../fakes/expectbytes.ts'

const signal = NEVER
const BYTES = seededBytes(3 * 65_536, 1)
const OTHER = seededBytes(2 * 65_536, 2)

/** CID -> why it is damaged, or that it is not. */
async function listed({ datasets }: TestStore): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for await (const entry of datasets.list({ signal }))
    found[String(entry.cid)] = entry.manifest === undefined ? entry.error.code : 'whole'
  return found
}

async function incomplete({ datasets }: TestStore): Promise<string[]> {
  const found: string[] = []
  for await (const { cid } of datasets.incomplete({ signal })) found.push(String(cid))
  return found
}

async function twoDatasets() {
  const store = memoryStore()
  const hurt = await store.datasets.upload(streamOf(BYTES), { filename: 'hurt', signal })
  const well = await store.datasets.upload(streamOf(OTHER), { filename: 'well', signal })
  return { store, hurt, hurtName: String(hurt.cid), wellName: String(well.cid) }
}

async function flipBit({ datastore }: TestStore, key: Key): Promise<void> {
  const value = ((await datastore.get(key)) as Uint8Array).slice()
  value[10] = (value[10] as number) ^ 1
  await datastore.commit([{ put: key, value }])
}

describe('a dataset whose manifest record is damaged', () => {
  it('is listed as such, also after the repair that gives the record up, until it is removed', async () => {
    const { store, hurt, hurtName, wellName } = await twoDatasets()
    await flipBit(store, blockKey(hurt.cid))
    expect(await listed(store)).toEqual({ [hurtName]: 'store/corrupted-record', [wellName]: 'whole' })
    await store.repo.repair({ signal })
    expect(await listed(store)).toEqual({ [hurtName]: 'dataset/manifest-lost', [wellName]: 'whole' })
    expect(await incomplete(store)).toEqual([hurtName])
    expect(await store.datasets.remove(hurt.cid, { signal })).toBe('removed')
    expect(await store.datasets.remove(hurt.cid, { signal })).toBe('absent')
    expect(await listed(store)).toEqual({ [wellName]: 'whole' })
    expect(await store.repo.space()).toMatchObject({ totalBlocks: 3 })
    expect((await store.repo.recount({ signal })).problems).toEqual([])
  })

  it('is whole again when the same file is stored', async () => {
    const { store, hurt, hurtName, wellName } = await twoDatasets()
    await flipBit(store, blockKey(hurt.cid))
    await store.repo.repair({ signal })
    await store.datasets.upload(streamOf(BYTES), { filename: 'hurt', signal })
    expect(await listed(store)).toEqual({ [hurtName]: 'whole', [wellName]: 'whole' })
    expect(await incomplete(store)).toEqual([])
    expectBytes(await collect(store.datasets.read(hurt.cid, { signal })), BYTES)
    expect((await store.repo.recount({ signal })).problems).toEqual([])
  })
})

it('a manifest in quarantine is listed as damaged every time, and can be removed', async () => {
  const { store, hurt, hurtName, wellName } = await twoDatasets()
  const key = blockKey(hurt.cid)
  const record = decodeBlockRecord(key, (await store.datastore.get(key)) as Uint8Array)
  const place = { at: 'inline' as const, bytes: new Uint8Array(record.size) }
  await store.datastore.commit([{ put: key, value: encodeBlockRecord({ ...record, place }) }])
  for (let i = 0; i < 2; i++)
    expect(await listed(store)).toEqual({ [hurtName]: 'store/block-corrupted', [wellName]: 'whole' })
  expect(await store.datasets.remove(hurt.cid, { signal })).toBe('removed')
  expect(await listed(store)).toEqual({ [wellName]: 'whole' })
})

describe('incomplete', () => {
  it('names a dataset that misses a block, and no other', async () => {
    const { store, hurt, hurtName, wellName } = await twoDatasets()
    expect(blocksCount(hurt.manifest)).toBe(3)
    const [, second] = await store.repo.getLeaves(hurt.manifest.treeCid, [0, 1])
    await flipBit(store, blockKey(second as NonNullable<typeof second>))
    expect(await incomplete(store)).toEqual([hurtName])
    await store.repo.repair({ signal })
    expect(await incomplete(store)).toEqual([hurtName])
    expect(await listed(store)).toEqual({ [hurtName]: 'whole', [wellName]: 'whole' })
  })

  it('names datasets whose leaves are damaged or gone', async () => {
    const { store, hurtName, wellName } = await twoDatasets()
    const keys: Key[] = []
    for await (const [key] of store.datastore.entries(LEAVES_PREFIX, { signal })) keys.push(key)
    for (const key of keys) await flipBit(store, key)
    const both = [hurtName, wellName].sort()
    expect((await incomplete(store)).sort()).toEqual(both)
    await store.repo.repair({ signal })
    expect((await incomplete(store)).sort()).toEqual(both)
  })
})

it('the expiry of a block is the latest that was asked for', async () => {
  const { repo, datasets, clock } = memoryStore({ blockTtlSeconds: 100 })
  const { cid } = await datasets.upload(streamOf(BYTES), { signal })
  expect(await repo.expiryOf(cid)).toBe(clock.now() + 100)
  await datasets.upload(streamOf(BYTES), { expiry: clock.now() + 500, signal })
  expect(await repo.expiryOf(cid)).toBe(clock.now() + 500)
  await datasets.remove(cid, { signal })
  expect(await repo.expiryOf(cid)).toBeUndefined()
})
