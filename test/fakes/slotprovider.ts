// A provider's part of a sale over memory, beside a client that has the dataset of every request: what lies in its store, and what becomes of it. Not a test.

import { expect, onTestFinished } from 'vitest'
import { toHex } from '../../src/lib/bytes.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { NO_PROOF } from '../../src/market/groth16proof.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import { requestId } from '../../src/protocol/ids.ts'
import type { VerifiableManifest } from '../../src/protocol/manifest.ts'
import { decodeManifest, encodeManifest, manifestBytes } from '../../src/protocol/manifestcodec.ts'
import type { StorageRequest } from '../../src/protocol/request.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { whySold } from '../../src/sales/soldslots.ts'
import { StoredSlotWork } from '../../src/sales/storedslotwork.ts'
import type { ProofInputs } from '../../src/slots/proofinputs.ts'
import { slotGeometry } from '../../src/slots/slotgeometry.ts'
import { Datasets } from '../../src/storage/datasets.ts'
import { join, runTime } from './exchangepeers.ts'
import { NEVER, seededBytes, streamOf } from './memorystore.ts'
import { seededSource } from './salesparts.ts'
import { slotsPeer } from './slotspeer.ts'

const signal = NEVER
export const BLOCK = 65_536
/** Of every request. */
export const END = 1_002_000

export interface Held {
  readonly of: StorageRequest
  readonly reservation: Reservation
}

export type SlotProvider = Awaited<ReturnType<typeof slotProvider>>

/** @param rewrite what the manifest that the request names is written as; as we write it without. @param slotBlocks in each of two slots, and one of parity */
export async function slotProvider(
  rewrite: (encoded: Uint8Array) => Uint8Array = (encoded) => encoded,
  slotBlocks = 2,
) {
  const clock = new ManualClock(1_000_000)
  const [client, own] = [slotsPeer('client', clock), slotsPeer('provider', clock)]
  const { cid: plain } = await client.datasets.upload(streamOf(seededBytes(2 * slotBlocks * BLOCK, 21)), { signal })
  const made = await client.slots.protect(plain, { ecK: 2, ecM: 1, signal })
  const manifest = decodeManifest(rewrite(encodeManifest(made.manifest))) as VerifiableManifest
  const verifiableCid = manifestCid(manifestBytes(manifest))
  const { slotCount, slotBytes } = slotGeometry(manifest)
  const { repo, slots, exchange } = own
  const { log, datastore } = repo.parts
  const datasets = new Datasets(repo, log, undefined, (dataset, options) => whySold(datastore, dataset, options))
  const { reservations } = await Reservations.open({ repo, random: seededSource(3), log }, { signal })
  const totalSize = 4 * slotBytes
  await reservations.create({
    ...{ totalSize, duration: 1000, minPricePerBytePerSecond: 1n },
    totalCollateral: BigInt(totalSize),
  })
  const network = { exchange, manifest: async () => manifest }
  /** From then on nobody answers. */
  const goAlone = async () => {
    network.manifest = () => Promise.reject(new Error('nobody is there'))
    await client.exchange.stop()
  }
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
    ...{ clock, own, client, datasets, reservations, manifest, verifiableCid, proven, books, goAlone },
  }
}
