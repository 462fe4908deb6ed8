// What lies beside a slot's blocks: the manifest is here for as long as a slot needs it, and no longer, whatever came between.

import { expect, it, onTestFinished } from 'vitest'
import { BlockExchange } from '../../src/exchange/blockexchange.ts'
import { toHex } from '../../src/lib/bytes.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { requestId } from '../../src/protocol/ids.ts'
import type { StorageRequest } from '../../src/protocol/request.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { StoredSlotWork } from '../../src/sales/storedslotwork.ts'
import { slotGeometry } from '../../src/slots/slotgeometry.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { CrashingSlabFile } from '../fakes/crashingslabfile.ts'
import { join, runTime } from '../fakes/exchangepeers.ts'
import { NEVER, seededBytes, seededRandom, streamOf } from '../fakes/memorystore.ts'
import { seededSource } from '../fakes/salesparts.ts'
import { slotsStore } from '../fakes/slotsstore.ts'

const signal = NEVER
const BLOCK = 65_536
const END = 1_002_000

function peer(id: string, clock: ManualClock) {
  const store = slotsStore({ datastore: new MemoryDatastore(), slab: new CrashingSlabFile(), clock })
  const { repo } = store
  const exchange = new BlockExchange({ repo, clock, log: repo.parts.log, random: seededRandom(id.length) })
  exchange.start()
  onTestFinished(() => exchange.stop())
  return { ...store, id, exchange }
}

/** A provider beside a client that has the dataset of every request. */
async function provider() {
  const clock = new ManualClock(1_000_000)
  const [client, own] = [peer('client', clock), peer('provider', clock)]
  const { cid: plain } = await client.datasets.upload(streamOf(seededBytes(4 * BLOCK, 21)), { signal })
  const { manifest, verifiableCid } = await client.slots.protect(plain, { ecK: 2, ecM: 1, signal })
  const { slotCount, slotBytes } = slotGeometry(manifest)
  const { repo, datasets, slots, exchange } = own
  const { log } = repo.parts
  const { reservations } = await Reservations.open({ repo, random: seededSource(3), log }, { signal })
  const totalSize = 4 * slotBytes
  await reservations.create({
    ...{ totalSize, duration: 1000, minPricePerBytePerSecond: 1n },
    totalCollateral: BigInt(totalSize),
  })
  const network = { exchange, manifest: async () => manifest }
  const start = () =>
    new StoredSlotWork({
      ...{ repo, datasets, slots, reservations, log, network: network as never },
      prove: () => Promise.reject(new Error('nothing is proven here')),
      shape: { samples: 1, slotDepth: 11, datasetDepth: 3 },
    })
  const request = (number: number): StorageRequest => ({
    client: `0x${'11'.repeat(20)}`,
    ask: {
      ...{ proofProbability: 1n, pricePerBytePerSecond: 1n, collateralPerByte: 1n, maxSlotLoss: 1n, duration: 1000n },
      ...{ slots: BigInt(slotCount), slotSize: BigInt(slotBytes) },
    },
    content: { cid: verifiableCid.bytes, merkleRoot: `0x${toHex(manifest.verifyRoot.digest)}` },
    expiry: 900n,
    nonce: `0x${String(number).padStart(64, '0')}`,
  })
  const reserve = async (of: StorageRequest, slotIndex: number): Promise<Reservation> => {
    const made = await reservations.reserve({ ...of.ask, requestEnd: END, requestId: requestId(of), slotIndex })
    if (made === undefined) throw new Error('the slot fits no availability')
    return made
  }
  const over = join(client, own).over.catch(() => undefined)
  const stopTime = runTime(clock)
  onTestFinished(async () => {
    await stopTime()
    await own.exchange.stop()
    await client.exchange.stop()
    await over
  })
  const fetch = async (work: StoredSlotWork, of: StorageRequest, slotIndex: number): Promise<Reservation> => {
    const reservation = await reserve(of, slotIndex)
    const content = { request: of, slotIndex }
    for await (const _ of work.fetch(content, { reservation, expiry: END, isRepair: false, signal }));
    return reservation
  }
  const settle = (of: Reservation) => reservations.settle(of.id, 'all')
  const isKept = () => repo.has(verifiableCid)
  const usedBytes = async () => (await repo.space()).quotaUsedBytes
  return { start, request, reserve, fetch, settle, isKept, usedBytes }
}

it('is kept while another slot of the request is here, and goes with the last', async () => {
  const { start, request, fetch, settle, isKept, usedBytes } = await provider()
  const work = start()
  const asked = request(1)
  const [first, second] = await Promise.all([fetch(work, asked, 0), fetch(work, asked, 1)])
  await settle(first)
  await work.letGo(requestId(asked), { signal })
  expect(await isKept()).toBe(true)
  await settle(second)
  await work.letGo(requestId(asked), { signal })
  expect([await isKept(), await usedBytes()]).toEqual([false, 0])
})

it('goes too when the last slot of the request ends before anything of it is here', async () => {
  const { start, request, reserve, fetch, settle, isKept, usedBytes } = await provider()
  const work = start()
  const asked = request(1)
  const first = await fetch(work, asked, 0)
  const second = await reserve(asked, 1)
  await settle(first)
  await work.letGo(requestId(asked), { signal })
  expect(await isKept()).toBe(true)
  await settle(second)
  await work.letGo(requestId(asked), { signal })
  expect([await isKept(), await usedBytes()]).toEqual([false, 0])
})

it('is kept for another request of the same content', async () => {
  const { start, request, fetch, settle, isKept, usedBytes } = await provider()
  const work = start()
  const [one, other] = [request(1), request(2)]
  const first = await fetch(work, one, 0)
  const second = await fetch(work, other, 0)
  await settle(first)
  await work.letGo(requestId(one), { signal })
  expect(await isKept()).toBe(true)
  await settle(second)
  await work.letGo(requestId(other), { signal })
  expect([await isKept(), await usedBytes()]).toEqual([false, 0])
})

it('goes at the next start when the power went between the settlement and letting it go', async () => {
  const { start, request, fetch, settle, isKept, usedBytes } = await provider()
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
