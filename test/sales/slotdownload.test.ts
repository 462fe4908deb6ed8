// A slot that its host lost, rebuilt from rows that peers have: proven and served as if it had come whole, where the block beside it is to be had.

import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { toHex } from '../../src/lib/bytes.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import type { RequestId } from '../../src/protocol/request.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { SlotDownload } from '../../src/sales/slotdownload.ts'
import { LEAVES_PER_PAGE } from '../../src/storage/leafpage.ts'
import type { ProvenLeaf } from '../../src/storage/putprovenleaves.ts'
import { putProvenLeaves } from '../../src/storage/putprovenleaves.ts'
import { sweepRelayed } from '../../src/storage/sweeprelayed.ts'
import { join, range, runTime } from '../fakes/exchangepeers.ts'
import { NEVER, seededBytes, streamOf } from '../fakes/memorystore.ts'
import { seededSource } from '../fakes/salesparts.ts'
import type { SlotsPeer } from '../fakes/slotspeer.ts'
import { slotsPeer } from '../fakes/slotspeer.ts'

const signal = NEVER
const BLOCK = 65_536
/** Three rows of data and two of parity, three blocks each; of the last row only the block before it is beside it, and none of the first three rows is. */
const LOST = 4
const OWN = [12, 13, 14]
const BESIDE = 11

/** Blocks of each row. */
const STEPS = 3
const rowOf = (row: number): number[] => range(STEPS).map((step) => row * STEPS + step)

/**
 * The client has all of the dataset but the lost slot and what is in `without`; the provider, which has `here` of it, is about to rebuild the slot.
 */
async function scene(without: readonly number[], here: readonly number[] = [], isRelayed = false) {
  const clock = new ManualClock(1_000_000)
  const [client, provider] = [slotsPeer('client', clock), slotsPeer('provider', clock)]
  const { cid: plain } = await client.datasets.upload(streamOf(seededBytes(9 * BLOCK, 21)), { signal })
  const { manifest, verifiableCid: cid } = await client.slots.protect(plain, { ecK: 3, ecM: 2, signal })
  const proofs = await client.repo.getProofs(manifest.treeCid, OWN)
  const given = await provenLeaves(client, manifest.treeCid, here)
  await client.repo.dropLeaves(manifest.treeCid, [...OWN, ...without])
  const log = provider.repo.parts.log
  const parts = { repo: provider.repo, random: seededSource(3), log }
  const { reservations } = await Reservations.open(parts, { signal })
  const slot = { slotSize: BigInt(4 * BLOCK), duration: 1000n, pricePerBytePerSecond: 1n, collateralPerByte: 1n }
  await reservations.create({
    ...{ totalSize: 4 * BLOCK, duration: 1000, minPricePerBytePerSecond: 1n },
    totalCollateral: BigInt(4 * BLOCK),
  })
  const requestId = `0x${'07'.repeat(32)}` as RequestId
  const taking = { ...slot, requestEnd: 1_002_000, requestId, slotIndex: LOST }
  const reservation = await reservations.reserve(taking)
  if (reservation === undefined) throw new Error('the slot fits no availability')
  await provider.slots.keepManifest(manifest, 1_002_000, { signal })
  if (given.length > 0) await putProvenLeaves(provider.repo.parts, manifest.treeCid, STEPS * 5, given, { isRelayed })
  const over = join(client, provider).over.catch(() => undefined)
  const { repo, slots, exchange } = provider
  const told: number[] = []
  const download = new SlotDownload(
    { repo, slots, network: { exchange }, reservations },
    { manifest, slotIndex: LOST, reservation, expiry: 1_002_000, tell: (doneBytes) => told.push(doneBytes) },
  )
  /** Bytes of blocks that peers gave while it was rebuilt. */
  let receivedBytes = 0
  const received = (): number => receivedBytes
  const rebuild = async (): Promise<void> => {
    const stop = runTime(clock)
    try {
      await download.rebuild(cid, { signal, merkleRoot: `0x${toHex(manifest.verifyRoot.digest)}` })
    } finally {
      await stop()
      receivedBytes = exchange.peers().reduce((sum, each) => sum + each.receivedBytes, 0)
      await exchange.stop()
      await client.exchange.stop()
      await over
    }
  }
  const paid = (): number => 4 * BLOCK - (reservations.reservation(reservation.id)?.size ?? 0)
  return { manifest, cid, provider, proofs, download, rebuild, reservations, paid, told, received }
}

async function provenLeaves({ repo }: SlotsPeer, tree: Cid, indices: readonly number[]): Promise<ProvenLeaf[]> {
  const leaves = await repo.getLeaves(tree, indices)
  const proofs = await repo.getProofs(tree, indices)
  const blocks = await repo.getVerified(leaves.filter((leaf) => leaf !== undefined))
  return indices.map((index, i) => {
    const [block, proof] = [blocks[i], proofs[i]]
    if (block === undefined || proof === undefined) throw new Error('the client has all of it')
    return { index, block, path: proof.path, expiry: 1_002_000 }
  })
}

it('is served on with the proofs it had, for which the block beside it is asked of peers, and only looked at', async () => {
  const { manifest, cid, provider, proofs, rebuild, reservations, paid, told } = await scene([])
  await rebuild()
  expect(proofs).not.toContain(undefined)
  expect(await provider.repo.getProofs(manifest.treeCid, OWN)).toEqual(proofs)
  expect(paid()).toBe(3 * BLOCK)
  expect(told.at(-1)).toBe(3 * BLOCK)
  // Rows of others and the block beside are kept nowhere.
  const here = await provider.repo.getLeaves(manifest.treeCid, range(15))
  expect(here.flatMap((leaf, index) => (leaf === undefined ? [] : [index]))).toEqual(OWN)
  expect((await provider.repo.getAt(manifest.treeCid, [BESIDE]))[0]).toBeUndefined()
  expect(await provider.slots.proofInputs(cid, LOST, `0x${'05'.repeat(32)}`, { signal })).toBeDefined()
  expect(await reservations.check({ signal })).toEqual([])
  expect((await provider.repo.recount({ signal })).problems).toEqual([])
})

it('is whole and proven, but not served, where nobody has the block beside it', async () => {
  const { manifest, cid, provider, rebuild, paid } = await scene([BESIDE])
  await rebuild()
  expect(await provider.repo.getProofs(manifest.treeCid, OWN)).toEqual(OWN.map(() => undefined))
  expect(await provider.slots.proofInputs(cid, LOST, `0x${'05'.repeat(32)}`, { signal })).toBeDefined()
  expect(paid()).toBe(3 * BLOCK)
  expect(provider.logged.map(({ message }) => message)).toContainEqual(expect.stringContaining('cannot be served'))
})

describe('repair from local, mixed, remote data', () => {
  const [first, second, third, fourth] = [rowOf(0), rowOf(1), rowOf(2), rowOf(3)]
  /** What is here of other slots, what peers lack beside the lost one, and how many blocks have to come: rows, and the leaf beside the slot. */
  const cases: readonly (readonly [
    what: string,
    here: readonly number[],
    without: readonly number[],
    blocks: number,
  ])[] = [
    ['remote: three rows of each step come', [], [], 9 + 1],
    ['mixed: of the rows only what is not here comes', [...first, 3, 7], [...first, 3, 7], 4 + 1],
    ['local: nothing comes where enough rows are here', [...second, ...third, ...fourth], range(12), 0],
  ]
  it.each(cases)('%s', async (_, here, without, blocks) => {
    const { manifest, cid, provider, rebuild, reservations, paid, received } = await scene(without, here)
    const used = (await provider.repo.space()).quotaUsedBytes
    await rebuild()
    expect(received()).toBe(blocks * BLOCK)
    // The slot is paid for by what was set aside for it; the rest was here and is kept as it was.
    expect([paid(), (await provider.repo.space()).quotaUsedBytes - used]).toEqual([3 * BLOCK, 3 * BLOCK])
    const leaves = await provider.repo.getLeaves(manifest.treeCid, range(15))
    expect(leaves.flatMap((leaf, index) => (leaf === undefined ? [] : [index]))).toEqual(
      [...here, ...OWN].sort((a, b) => a - b),
    )
    expect(await provider.slots.proofInputs(cid, LOST, `0x${'05'.repeat(32)}`, { signal })).toBeDefined()
    expect(await reservations.check({ signal })).toEqual([])
    expect((await provider.repo.recount({ signal })).problems).toEqual([])
  })

  it('part of the lost slot is here too: that is not computed, and all of the slot is paid for once', async () => {
    const { provider, rebuild, paid, told } = await scene([], OWN.slice(0, 2))
    const used = (await provider.repo.space()).quotaUsedBytes
    await rebuild()
    expect(told[0]).toBe(2 * BLOCK)
    expect((await provider.repo.space()).quotaUsedBytes - used).toBe(BLOCK)
    expect(paid()).toBe(BLOCK)
  })
})

describe('a slot of which blocks were cached for others', () => {
  const sweep = async ({ repo }: SlotsPeer, tree: Cid): Promise<void> => {
    await repo.dropLeaves(tree, range(15), { onlyLast: true })
    await sweepRelayed(repo.parts, { signal })
  }

  it('keeps them where they are in the tree from when it is whole', async () => {
    const { manifest, provider, proofs, download } = await scene([], OWN, true)
    await download.fetch({ signal })
    await sweep(provider, manifest.treeCid)
    expect(await provider.repo.getProofs(manifest.treeCid, OWN)).toEqual(proofs)
    expect((await provider.repo.recount({ signal })).problems).toEqual([])
  })

  it('keeps them where they are when the rest of it was computed', async () => {
    const { manifest, provider, proofs, rebuild } = await scene([], OWN.slice(0, 2), true)
    await rebuild()
    await sweep(provider, manifest.treeCid)
    expect(await provider.repo.getProofs(manifest.treeCid, OWN)).toEqual(proofs)
  })
})

it('of what is here already it tells while it looks: reading a large slot must not count as one that nobody gives', async () => {
  const { repo, datasets, slots, exchange } = slotsPeer('provider', new ManualClock(1_000_000))
  const blocks = LEAVES_PER_PAGE + 7
  // Its first slot is the plain dataset of another: nothing here looks at parity or at trees of slots, which would have to be hashed.
  const { cid } = await datasets.upload(streamOf(seededBytes(2 * BLOCK, 5)), { signal })
  const small = (await slots.protect(cid, { ecK: 2, ecM: 1, signal })).manifest
  const { cid: plain } = await datasets.upload(streamOf(seededBytes(blocks * BLOCK, 6)), { signal })
  const { treeCid } = await datasets.manifest(plain)
  const manifest = { ...small, treeCid, datasetSize: 3 * blocks * BLOCK }
  const { reservations } = await Reservations.open({ repo, random: seededSource(3), log: repo.parts.log }, { signal })
  const totalSize = blocks * BLOCK
  await reservations.create({
    ...{ totalSize, duration: 1000, minPricePerBytePerSecond: 1n },
    totalCollateral: BigInt(totalSize),
  })
  const slot = { slotSize: BigInt(totalSize), duration: 1000n, pricePerBytePerSecond: 1n, collateralPerByte: 1n }
  const requestId = `0x${'07'.repeat(32)}` as RequestId
  const reservation = await reservations.reserve({ ...slot, requestEnd: 1_002_000, requestId, slotIndex: 0 })
  if (reservation === undefined) throw new Error('the slot fits no availability')
  const told: number[] = []
  const order = { manifest, slotIndex: 0, reservation, expiry: 1_002_000, tell: (bytes: number) => told.push(bytes) }
  await new SlotDownload({ repo, slots, network: { exchange }, reservations }, order).fetch({ signal })
  expect(told).toEqual([LEAVES_PER_PAGE * BLOCK, totalSize])
})
