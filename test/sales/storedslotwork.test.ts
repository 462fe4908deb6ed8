// What lies beside a slot's blocks: the manifest is here for as long as a slot needs it, and no longer, whatever came between.

import { expect, it, onTestFinished } from 'vitest'
import { toHex } from '../../src/lib/bytes.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { requestId } from '../../src/protocol/ids.ts'
import type { StorageRequest } from '../../src/protocol/request.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { StoredSlotWork } from '../../src/sales/storedslotwork.ts'
import { slotGeometry } from '../../src/slots/slotgeometry.ts'
import { join, runTime } from '../fakes/exchangepeers.ts'
import { NEVER, seededBytes, streamOf } from '../fakes/memorystore.ts'
import { seededSource } from '../fakes/salesparts.ts'
import { slotsPeer } from '../fakes/slotspeer.ts'

const signal = NEVER
const BLOCK = 65_536
const END = 1_002_000

/** A provider beside a client that has the dataset of every request. */
async function provider() {
  const clock = new ManualClock(1_000_000)
  const [client, own] = [slotsPeer('client', clock), slotsPeer('provider', clock)]
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
  /** Ends both, the manifest being kept in between and gone thereafter. */
  const expectKeptForTheLast = async (work: StoredSlotWork, ...slots: readonly [Held, Held]): Promise<void> => {
    for (const [i, { of, reservation }] of slots.entries()) {
      await settle(reservation)
      await work.letGo(requestId(of), { signal })
      expect(await isKept()).toBe(i === 0)
    }
    expect(await usedBytes()).toBe(0)
  }
  return { start, request, reserve, fetch, settle, isKept, usedBytes, expectKeptForTheLast }
}

interface Held {
  readonly of: StorageRequest
  readonly reservation: Reservation
}

it('is kept while another slot of the request is here, and goes with the last', async () => {
  const { start, request, fetch, expectKeptForTheLast } = await provider()
  const [work, of] = [start(), request(1)]
  const [first, second] = await Promise.all([fetch(work, of, 0), fetch(work, of, 1)])
  await expectKeptForTheLast(work, { of, reservation: first }, { of, reservation: second })
})

it('goes too when the last slot of the request ends before anything of it is here', async () => {
  const { start, request, reserve, fetch, expectKeptForTheLast } = await provider()
  const [work, of] = [start(), request(1)]
  const first = await fetch(work, of, 0)
  await expectKeptForTheLast(work, { of, reservation: first }, { of, reservation: await reserve(of, 1) })
})

it('is kept for another request of the same content', async () => {
  const { start, request, fetch, expectKeptForTheLast } = await provider()
  const [work, one, other] = [start(), request(1), request(2)]
  const first = await fetch(work, one, 0)
  const second = await fetch(work, other, 0)
  await expectKeptForTheLast(work, { of: one, reservation: first }, { of: other, reservation: second })
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
