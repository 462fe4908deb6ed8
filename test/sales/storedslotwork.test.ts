// What lies beside a slot's blocks: the manifest is here for as long as a slot needs it, and no longer, whatever came between; and what was lost of a
// slot comes back before it is proven.

import { describe, expect, it, vi } from 'vitest'
import { nextTask } from '../../src/lib/nexttask.ts'
import { NO_PROOF } from '../../src/market/groth16proof.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { requestId } from '../../src/protocol/ids.ts'
import { manifestBytes } from '../../src/protocol/manifestcodec.ts'
import { decodeBlockRecord, encodeBlockRecord, unitsOf } from '../../src/storage/blockrecord.ts'
import { leavesKey } from '../../src/storage/leafpage.ts'
import { treesOf } from '../../src/storage/treeholder.ts'
import { nodesKey } from '../../src/storage/treenodes.ts'
import { readTreeRecord, treeKey } from '../../src/storage/treerecord.ts'
import { blockKey } from '../../src/storage/storeparts.ts'
import { MANIFEST_ROOM_BYTES } from '../../src/sales/manifestroom.ts'
import { SETTLING_SECONDS } from '../../src/sales/storedslotwork.ts'
import { range } from '../fakes/exchangepeers.ts'
import { NEVER, streamOf } from '../fakes/memorystore.ts'
import { BLOCK, END, type SlotProvider, slotProvider } from '../fakes/slotprovider.ts'

const signal = NEVER

it('is kept while another slot of the request is here, and goes with the last', async () => {
  const { start, request, fetch, expectKeptForTheLast } = await slotProvider()
  const [work, of] = [start(), request(1)]
  const [first, second] = await Promise.all([fetch(work, of, 0), fetch(work, of, 1)])
  await expectKeptForTheLast(work, { of, reservation: first }, { of, reservation: second })
})

it('has room beyond the quota, of which all may be offered, and takes no more of it than it may', async () => {
  const from = await slotProvider()
  const { start, request, fetch, reservations, own, datasets, books, expectKeptForTheLast } = from
  const { quotaMaxBytes, quotaReservedBytes } = await own.repo.space()
  const terms = { duration: 1000, minPricePerBytePerSecond: 1n, totalCollateral: 1n }
  await reservations.create({ ...terms, totalSize: quotaMaxBytes - quotaReservedBytes })
  const [work, of] = [start(), request(1)]
  await work.look({ request: of, slotIndex: 0 }, { signal })
  const [first, second] = [await fetch(work, of, 0), await fetch(work, of, 1)]
  const { space, problems } = await books()
  expect(space.quotaUsedBytes + space.quotaReservedBytes).toBeGreaterThan(quotaMaxBytes)
  expect(problems).toEqual([])
  // It is for those manifests only.
  const full = { code: 'store/quota-exceeded' }
  await expect(datasets.upload(streamOf(Uint8Array.of(1)), { signal })).rejects.toMatchObject(full)
  await expect(own.repo.reserve(1)).rejects.toMatchObject(full)
  const other = { ...from.manifest, filename: 'other' }
  const beyondBytes = space.quotaUsedBytes + space.quotaReservedBytes - quotaMaxBytes
  await expect(own.slots.keepManifest(other, END, { signal, beyondBytes })).rejects.toMatchObject(full)
  const cid = await own.slots.keepManifest(other, END, { signal, beyondBytes: MANIFEST_ROOM_BYTES })
  expect(await own.repo.drop(cid)).toBe('dropped')
  await expectKeptForTheLast(work, { of, reservation: first }, { of, reservation: second })
  expect(await own.repo.space()).toMatchObject({ quotaUsedBytes: 0, quotaReservedBytes: quotaMaxBytes })
})

it('goes too when the last slot of the request ends before anything of it is here', async () => {
  const { start, request, reserve, fetch, expectKeptForTheLast } = await slotProvider()
  const [work, of] = [start(), request(1)]
  const first = await fetch(work, of, 0)
  await expectKeptForTheLast(work, { of, reservation: first }, { of, reservation: await reserve(of, 1) })
})

it('is kept by the bytes that the request names, whatever else than we write stands in them', async () => {
  const unknownField = [0x28, 5]
  const from = await slotProvider((encoded) => Uint8Array.from([...encoded, ...unknownField]))
  const { start, request, fetch, proven, own, verifiableCid, expectKeptForTheLast } = from
  const [work, of] = [start(), request(1)]
  const [first, second] = [await fetch(work, of, 0), await fetch(work, of, 1)]
  expect((await own.repo.get(verifiableCid))?.slice(-2)).toEqual(Uint8Array.from(unknownField))
  await work.keepUntil({ request: of, slotIndex: 0 }, END, { signal })
  await work.prove({ request: of, slotIndex: 0 }, CHALLENGE, { signal, rank: 'duty' })
  expect(proven).toHaveLength(1)
  await expectKeptForTheLast(work, { of, reservation: first }, { of, reservation: second })
})

it('is kept for another request of the same content', async () => {
  const { start, request, fetch, expectKeptForTheLast } = await slotProvider()
  const [work, one, other] = [start(), request(1), request(2)]
  const first = await fetch(work, one, 0)
  const second = await fetch(work, other, 0)
  await expectKeptForTheLast(work, { of: one, reservation: first }, { of: other, reservation: second })
})

it('goes at the next start when the power went between the settlement and letting it go', async () => {
  const { start, request, fetch, settle, isKept, usedBytes } = await slotProvider()
  const [ended, held] = [request(1), request(2)]
  await settle(await fetch(start(), ended, 0))
  const work = start()
  const second = await fetch(work, held, 1)
  await work.letGoOfEnded({ signal })
  expect(await isKept()).toBe(true)
  await settle(second)
  await start().letGoOfEnded({ signal })
  expect([await isKept(), await usedBytes()]).toEqual([false, 0])
})

it('that was here and built when the power went is neither fetched nor hashed again', async () => {
  const { start, request, fetch, books, client, own, usedBytes } = await slotProvider()
  const of = request(1)
  const reservation = await fetch(start(), of, 0)
  const [before, used] = [await books(), await usedBytes()]
  await client.exchange.stop()
  const work = vi.spyOn(own.slots, 'buildSlot')
  for await (const _ of start().fetch(
    { request: of, slotIndex: 0 },
    { reservation, expiry: END, isRepair: false, signal },
  ));
  expect(work.mock.lastCall?.[2]).toMatchObject({ again: false })
  expect([await books(), await usedBytes()]).toEqual([before, used])
})

const CHALLENGE = `0x${'05'.repeat(32)}`
/** Of the slot that is lost; its blocks are these two of the dataset. */
const LOST = 0
const OWN = [0, 1]
/** Blocks that nobody prolonged are kept until then. */
const SOON = 1_000_300

const LOSSES: Readonly<Record<string, (from: SlotProvider) => Promise<void>>> = {
  'the manifest': async ({ own, verifiableCid }) => expect(await own.repo.drop(verifiableCid)).toBe('dropped'),
  'a block of the tree': async ({ own, manifest }) => void (await own.repo.dropLeaves(manifest.treeCid, OWN)),
  'the bytes of a block': async (from) => {
    for (const cid of await ownBlocks(from)) await damage(from, cid)
  },
  'a block whose time was over': async (from) => {
    // Not in the middle of a second that is being played.
    await nextTask()
    from.clock.set(SOON + SETTLING_SECONDS + 1)
    for (const cid of await ownBlocks(from)) expect(await from.own.repo.drop(cid)).toBe('dropped')
  },
  'the tree of the slot': async ({ own, manifest }) =>
    void (await own.repo.dropLeaves(manifest.slotRoots[LOST] as Cid, range(OWN.length))),
  'manifest and tree together': async ({ own, manifest, verifiableCid }) =>
    expect(await own.datasets.trees.letGo(verifiableCid, treesOf(manifest), { signal })).toBe('dropped'),
}

/** Blocks of a slot whose tree has nodes between leaves and root. */
const WITH_NODES = 4
/** Records of the index by which such a slot is proven, where they lie. */
const RECORDS: Readonly<Record<string, (from: SlotProvider) => Promise<Uint8Array | Uint8Array[]>>> = {
  'the manifest': async ({ verifiableCid }) => blockKey(verifiableCid),
  'the tree of the slot': async ({ manifest }) => treeKey(slotRootOf(manifest)),
  'a page of leaves of that tree': async (from) =>
    firstAt(from, leavesKey(await numberOf(from, slotRootOf(from.manifest)))),
  'a page of nodes of that tree': async (from) =>
    firstAt(from, nodesKey(await numberOf(from, slotRootOf(from.manifest)))),
  'the tree of the dataset': async ({ manifest }) => treeKey(manifest.treeCid),
  'a page of leaves of the dataset': async (from) =>
    firstAt(from, leavesKey(await numberOf(from, from.manifest.treeCid))),
  'each block': async (from) => (await ownBlocks(from, WITH_NODES)).map(blockKey),
}
/** Those that follow from what is here beside them. */
const MADE_ANEW = Object.entries(RECORDS).slice(0, 4)

function slotRootOf({ slotRoots }: SlotProvider['manifest']): Cid {
  return slotRoots[LOST] as Cid
}

async function numberOf({ own: { datastore } }: SlotProvider, tree: Cid): Promise<number> {
  return ((await readTreeRecord(datastore, tree)) as { id: number }).id
}

async function firstAt({ own: { datastore } }: SlotProvider, prefix: Uint8Array): Promise<Uint8Array> {
  for await (const [key] of datastore.entries(prefix, { signal })) return key
  throw new Error('there is no such record')
}

async function spoil({ own: { datastore } }: SlotProvider, keys: Uint8Array | Uint8Array[], mask: number) {
  for (const key of [keys].flat()) {
    const value = ((await datastore.get(key)) as Uint8Array).slice()
    const at = Math.floor(value.length / 2)
    value[at] = (value[at] as number) ^ mask
    await datastore.commit([{ put: key, value }])
  }
}

async function ownBlocks({ own, manifest }: SlotProvider, count = OWN.length): Promise<Cid[]> {
  const leaves = await own.repo.getLeaves(manifest.treeCid, range(count))
  return leaves.map((cid) => cid as Cid)
}

async function damage({ own: { datastore, slab } }: SlotProvider, cid: Cid): Promise<void> {
  const key = blockKey(cid)
  const record = decodeBlockRecord(key, (await datastore.get(key)) as Uint8Array)
  const offset = (unitsOf(record)[0] as number) * BLOCK
  const [bytes] = await slab.read([{ offset, length: 1 }])
  await slab.write([{ offset, bytes: Uint8Array.of((bytes?.[0] as number) ^ 1) }])
}

describe('a proof of a slot of which was lost', () => {
  it.each(Object.entries(LOSSES))('%s: it is fetched again first, and paid for once', (_, lose) =>
    expectProvenAfter(lose),
  )

  it.each(Object.entries(RECORDS))('a bit of the record of %s: it is put right first, with nobody there', (_, keyOf) =>
    expectProvenAfter(async (from) => {
      await from.goAlone()
      await spoil(from, await keyOf(from), 4)
    }, WITH_NODES),
  )

  it.each(MADE_ANEW)('more of the record of %s: it is made anew, with nobody there', (_, keyOf) =>
    expectProvenAfter(async (from) => {
      await from.goAlone()
      await spoil(from, await keyOf(from), 0xff)
    }, WITH_NODES),
  )

  it('the bytes of the manifest in its record, too: it is stored anew', () =>
    expectProvenAfter(async (from) => {
      const { own, verifiableCid } = from
      const key = blockKey(verifiableCid)
      const record = decodeBlockRecord(key, (await own.datastore.get(key)) as Uint8Array)
      const bytes = manifestBytes(from.manifest).map((byte, i) => (i === 9 ? byte ^ 1 : byte))
      await from.goAlone()
      await own.datastore.commit([
        { put: key, value: encodeBlockRecord({ ...record, place: { at: 'inline', bytes } }) },
      ])
    }))

  async function expectProvenAfter(lose: (from: SlotProvider) => Promise<void>, slotBlocks?: number): Promise<void> {
    const from = await slotProvider(undefined, slotBlocks)
    const { start, request, fetch, settle, proven, books, own, isKept, usedBytes } = from
    const [work, of] = [start(), request(1)]
    const reservation = await fetch(work, of, LOST, SOON)
    const content = { request: of, slotIndex: LOST }
    const prove = () => work.prove(content, CHALLENGE, { signal, rank: 'duty' })
    await prove()
    const before = await books()
    expect(before.problems).toEqual([])
    await lose(from)
    expect(await prove()).toBe(NO_PROOF)
    expect(proven[1]).toEqual(proven[0])
    expect(
      own.logged.filter(({ message }) => message.startsWith('the data of a filled slot is not whole')),
    ).toHaveLength(1)
    expect(await books()).toEqual(before)
    await settle(reservation)
    await work.letGo(requestId(of), { signal })
    expect([await isKept(), await usedBytes(), (await books()).problems]).toEqual([false, 0, []])
  }

  it('and that does not come in time is given up, and nothing is taken for it (S13)', async () => {
    const from = await slotProvider()
    const { start, request, fetch, books, proven, clock, goAlone } = from
    const [work, of] = [start(), request(1)]
    await fetch(work, of, LOST)
    const before = await books()
    await LOSSES['the manifest']?.(from)
    await LOSSES['a block of the tree']?.(from)
    await goAlone()
    const deadline = new AbortController()
    const over = new Error('the period is over')
    void clock.until(clock.now() + 5, { signal }).then(() => deadline.abort(over))
    const content = { request: of, slotIndex: LOST }
    await expect(work.prove(content, CHALLENGE, { signal: deadline.signal, rank: 'duty' })).rejects.toBe(over)
    expect(proven).toEqual([])
    expect(await books()).toEqual(before)
  })
})

const SOLD = { code: 'dataset/sold' }

/** A manifest over the tree of the slot that the owner has beside the request's, and that alone holds the tree. */
async function giveProtected({ own, manifest }: SlotProvider): Promise<Cid> {
  const { verifyRoot: _root, slotRoots: _roots, cellSize: _size, verifiableStrategy: _strategy, ...coded } = manifest
  const also = { ...coded, kind: 'protected' as const }
  const holding = [{ manifest: also, holds: treesOf(also) }]
  const [cid] = await own.datasets.trees.grow({ signal }, (growth) => growth.finish([], holding, END))
  return cid as Cid
}

it('stays after the end of the request for as long as its accounts are not settled, and goes with them', async () => {
  const { start, request, fetch, settle, usedBytes, books, clock, own } = await slotProvider()
  const [work, of] = [start(), request(1)]
  const reservation = await fetch(work, of, 0)
  await work.keepUntil({ request: of, slotIndex: 0 }, END, { signal })
  const before = await books()
  await nextTask()
  clock.set(END + 24 * 3600)
  expect(await own.maintenance.run({ signal })).toBe(0)
  expect(await books()).toEqual(before)
  expect(await settle(reservation)).toMatchObject({ lostBytes: 0 })
  await work.letGo(requestId(of), { signal })
  expect(await usedBytes()).toBe(0)
})

describe('what a slot is proven with cannot be removed by whoever owns the node', () => {
  it('stays while a slot is held, and goes once the accounts are settled', async () => {
    const { start, request, fetch, settle, isKept, usedBytes, datasets, verifiableCid } = await slotProvider()
    const [work, of] = [start(), request(1)]
    const reservation = await fetch(work, of, 0)
    await expect(datasets.remove(verifiableCid, { signal })).rejects.toMatchObject({
      ...SOLD,
      detail: { requestId: requestId(of), slotIndex: 0, validUntil: END },
    })
    expect(await isKept()).toBe(true)
    expect(await work.prove({ request: of, slotIndex: 0 }, CHALLENGE, { signal, rank: 'duty' })).toBeDefined()
    await settle(reservation)
    expect(await datasets.remove(verifiableCid, { signal })).toBe('removed')
    expect(await usedBytes()).toBe(0)
  })

  it('stays before the first block of the slot is here', async () => {
    const { start, request, reserve, own, datasets, manifest, verifiableCid, goAlone } = await slotProvider()
    const of = request(1)
    const reservation = await reserve(of, 0)
    await goAlone()
    await own.slots.keepManifest(manifest, END, { signal })
    expect(await datasets.remove(verifiableCid, { signal })).toBe('removed')
    await own.slots.keepManifest(manifest, END, { signal })
    await start().keepUntil({ request: of, slotIndex: 0 }, END, { signal })
    expect(reservation.tree).toBeUndefined()
    await expect(datasets.remove(verifiableCid, { signal })).rejects.toMatchObject(SOLD)
  })

  it('stays too where another manifest holds the tree of the slot, also when the time of that one is over', async () => {
    const from = await slotProvider()
    const { start, request, fetch, settle, datasets, clock, own } = from
    const [work, of] = [start(), request(1)]
    const reservation = await fetch(work, of, 0, END)
    const other = await giveProtected(from)
    await expect(datasets.remove(other, { signal })).rejects.toMatchObject(SOLD)
    expect(await datasets.remove(other, { signal, onlyExpired: true })).toBe('in use')
    clock.set(END + 1)
    expect(await datasets.remove(other, { signal, onlyExpired: true })).toBe('in use')
    expect(await own.repo.has(other)).toBe(true)
    await settle(reservation)
    expect(await datasets.remove(other, { signal, onlyExpired: true })).toBe('removed')
  })

  it('keeps nothing else: another dataset goes as before', async () => {
    const { start, request, fetch, datasets, own } = await slotProvider()
    await fetch(start(), request(1), 0)
    const { cid } = await own.datasets.upload(streamOf(Uint8Array.of(1, 2, 3)), { signal })
    expect(await datasets.remove(cid, { signal })).toBe('removed')
  })
})
