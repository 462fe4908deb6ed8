// A slot fetched as a sale fetches it, without a market around it: a Reservation that pays, the manifest checked, the blocks in, the slot's tree built. It runs in
// Node and in a tab, and knows nothing of tests.

import type { Bytes } from '../../src/lib/units.ts'
import type { Log } from '../../src/lib/log.ts'
import { SystemRandom } from '../../src/lib/systemrandom.ts'
import type { CodexNode } from '../../src/node.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { requestId } from '../../src/protocol/ids.ts'
import type { StorageRequest } from '../../src/protocol/request.ts'
import type { Reservation } from '../../src/sales/reservation.ts'
import { Reservations } from '../../src/sales/reservations.ts'
import { StoredSlotWork } from '../../src/sales/storedslotwork.ts'

/** As the command `protect` answers. Plain data, because it travels to processes and tabs. */
export interface SlotOrder {
  /** Text, of the verifiable manifest. */
  readonly cid: string
  readonly merkleRoot: string
  readonly nodes: number
  readonly slotSize: Bytes
  readonly slotIndex: number
  readonly isRepair?: boolean
}

export interface FetchedSlot {
  /** Of what is wrong with the accounts or the store; none if all is well. */
  readonly problems: readonly string[]
  /** Taken from the Reservation, and left in it. */
  readonly paidBytes: Bytes
}

const DURATION = 100_000

/** Makes Availability and Reservation where an earlier run has not. @param told bytes of the slot that are here, as often as they change */
export async function fetchSlot(
  node: CodexNode,
  order: SlotOrder,
  log: Log,
  told: (doneBytes: Bytes) => void,
): Promise<FetchedSlot> {
  const { signal } = new AbortController()
  const { repo, datasets, slots, network } = node
  if (network === undefined) throw new Error('the node has not joined')
  const { reservations } = await Reservations.open({ repo, random: new SystemRandom(), log }, { signal })
  const work = new StoredSlotWork({
    ...{ repo, datasets, slots, network, reservations, log },
    prove: async () => Promise.reject(new Error('nothing is proven here')),
    shape: { samples: 1, slotDepth: 11, datasetDepth: 3 },
  })
  const request = requestOf(order)
  const { slotIndex, isRepair = false } = order
  const reservation = await reserved(reservations, request, slotIndex)
  const expiry = reservation.validUntil
  for await (const doneBytes of work.fetch({ request, slotIndex }, { reservation, expiry, isRepair, signal }))
    told(doneBytes)
  const { size, slotBytes } = reservations.reservation(reservation.id) as Reservation
  const { problems } = await repo.recount({ signal })
  return { problems: [...problems, ...(await reservations.check({ signal }))], paidBytes: slotBytes - size }
}

async function reserved(reservations: Reservations, request: StorageRequest, slotIndex: number): Promise<Reservation> {
  const { ask } = request
  const id = requestId(request)
  const before = reservations.reservationOf(id, slotIndex)
  if (before !== undefined) return before
  const totalSize = Number(ask.slotSize)
  await reservations.create({
    totalSize,
    duration: DURATION,
    minPricePerBytePerSecond: 1n,
    totalCollateral: ask.slotSize * ask.collateralPerByte,
  })
  const requestEnd = 4_000_000_000
  const made = await reservations.reserve({ ...ask, requestEnd, requestId: id, slotIndex })
  if (made === undefined) throw new Error('the slot fits no availability')
  return made
}

function requestOf({ cid, merkleRoot, nodes, slotSize }: SlotOrder): StorageRequest {
  return {
    client: `0x${'11'.repeat(20)}`,
    ask: {
      proofProbability: 1n,
      pricePerBytePerSecond: 1n,
      collateralPerByte: 1n,
      slots: BigInt(nodes),
      slotSize: BigInt(slotSize),
      duration: BigInt(DURATION),
      maxSlotLoss: 1n,
    },
    content: { cid: parseCid(cid).bytes, merkleRoot },
    expiry: 1000n,
    nonce: `0x${'22'.repeat(32)}`,
  }
}
