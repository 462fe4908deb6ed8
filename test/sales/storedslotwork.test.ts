// What lies beside a slot's blocks: the manifest is here for as long as a slot needs it, and no longer, whatever came between; and what was lost of a
// slot comes back before it is proven.

import { describe, expect, it, onTestFinished } from 'vitest'
import { toHex } from '../../src/lib/bytes.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { nextTask } from '../../src/lib/nexttask.ts'
import { NO_PROOF } from '../../src/market/groth16proof.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { requestId } from '../../src/protocol/ids.ts'
import type { StorageRequest } from '../../src/protocol/request.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { StoredSlotWork } from '../../src/sales/storedslotwork.ts'
import type { ProofInputs } from '../../src/slots/proofinputs.ts'
import { slotGeometry } from '../../src/slots/slotgeometry.ts'
import { decodeBlockRecord, unitsOf } from '../../src/storage/blockrecord.ts'
import { blockKey } from '../../src/storage/storeparts.ts'
import { join, range, runTime } from '../fakes/exchangepeers.ts'
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
  /** What each proof was made of. */
  const proven: ProofInputs[] = []
  const start = () =>
    new StoredSlotWork({
      ...{ repo, datasets, slots, reservations, log, network: network as never },
      prove: async (inputs) => {
        proven.push(await inputs)
        return NO_PROOF
      },
      shape: { samples: 5, slotDepth: 11, datasetDepth: 3 },
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
  const fetch = async (work: StoredSlotWork, of: StorageRequest, slotIndex: number, expiry = END) => {
    const reservation = await reserve(of, slotIndex)
    const content = { request: of, slotIndex }
    for await (const _ of work.fetch(content, { reservation, expiry, isRepair: false, signal }));
    return reservation
  }
  /** To the byte: the store, what is set aside in it, and every record of both. */
  const books = async () => ({
    space: await repo.space(),
    reservations: reservations.reservations(),
    availabilities: reservations.availabilities(),
    problems: [...(await reservations.check({ signal })), ...(await repo.recount({ signal })).problems],
  })
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
  return {
    ...{ start, request, reserve, fetch, settle, isKept, usedBytes, expectKeptForTheLast },
    ...{ clock, own, manifest, verifiableCid, proven, books, exchangeOfClient: client.exchange },
  }
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

type Provider = Awaited<ReturnType<typeof provider>>

const CHALLENGE = `0x${'05'.repeat(32)}`
/** Of the slot that is lost; its blocks are these two of the dataset. */
const LOST = 0
const OWN = [0, 1]
/** Blocks that nobody prolonged are kept until then. */
const SOON = 1_000_300

const LOSSES: Readonly<Record<string, (from: Provider) => Promise<void>>> = {
  'the manifest': async ({ own, verifiableCid }) => expect(await own.repo.drop(verifiableCid)).toBe('dropped'),
  'a block of the tree': async ({ own, manifest }) => void (await own.repo.dropLeaves(manifest.treeCid, OWN)),
  'the bytes of a block': async (from) => {
    for (const cid of await ownBlocks(from)) await damage(from, cid)
  },
  'a block whose time was over': async (from) => {
    // Not in the middle of a second that is being played.
    await nextTask()
    from.clock.set(SOON + 1)
    for (const cid of await ownBlocks(from)) expect(await from.own.repo.drop(cid)).toBe('dropped')
  },
  'the tree of the slot': async ({ own, manifest }) =>
    void (await own.repo.dropLeaves(manifest.slotRoots[LOST] as Cid, range(OWN.length))),
  'all of it, which somebody removed': async ({ own, verifiableCid }) =>
    expect(await own.datasets.remove(verifiableCid, { signal })).toBe('removed'),
}

async function ownBlocks({ own, manifest }: Provider): Promise<Cid[]> {
  const leaves = await own.repo.getLeaves(manifest.treeCid, OWN)
  return leaves.map((cid) => cid as Cid)
}

async function damage({ own: { datastore, slab } }: Provider, cid: Cid): Promise<void> {
  const key = blockKey(cid)
  const record = decodeBlockRecord(key, (await datastore.get(key)) as Uint8Array)
  const offset = (unitsOf(record)[0] as number) * BLOCK
  const [bytes] = await slab.read([{ offset, length: 1 }])
  await slab.write([{ offset, bytes: Uint8Array.of((bytes?.[0] as number) ^ 1) }])
}

describe('a proof of a slot of which was lost', () => {
  it.each(Object.entries(LOSSES))('%s: it is fetched again first, and paid for once', async (_, lose) => {
    const from = await provider()
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
  })

  it('and that does not come in time is given up, and nothing is taken for it (S13)', async () => {
    const from = await provider()
    const { start, request, fetch, books, proven, clock, exchangeOfClient } = from
    const [work, of] = [start(), request(1)]
    await fetch(work, of, LOST)
    const before = await books()
    await LOSSES['the manifest']?.(from)
    await LOSSES['a block of the tree']?.(from)
    await exchangeOfClient.stop()
    const deadline = new AbortController()
    const over = new Error('the period is over')
    void clock.until(clock.now() + 5, { signal }).then(() => deadline.abort(over))
    const content = { request: of, slotIndex: LOST }
    await expect(work.prove(content, CHALLENGE, { signal: deadline.signal, rank: 'duty' })).rejects.toBe(over)
    expect(proven).toEqual([])
    expect(await books()).toEqual(before)
  })
})
