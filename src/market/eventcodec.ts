// Logs of the marketplace as events. All of their fields are fixed words, so that no general decoder is needed and each is checked on the way.

import { id as keccakOfText } from 'ethers/hash'
import { slotId } from '../protocol/ids.ts'
import type { RequestId, SlotId } from '../protocol/request.ts'
import { MARKETPLACE } from './marketplaceinterface.ts'
import type { ContractEvent, EventPlace } from './marketevent.ts'
import { badAnswer, type RawLog, readWords } from './rpcvalues.ts'

type EventType = ContractEvent['type']

const TYPES: readonly EventType[] = [
  'StorageRequested',
  'RequestFulfilled',
  'RequestFailed',
  'RequestCancelled',
  'SlotFilled',
  'SlotFreed',
  'SlotReservationsFull',
  'ProofSubmitted',
]

/** By the hash of the event's form, which is its first topic. */
const TYPE_OF_TOPIC: ReadonlyMap<string, EventType> = new Map(
  TYPES.map((type) => [keccakOfText(MARKETPLACE.getEvent(type)?.format('sighash') ?? type), type]),
)

/** First topics of all events of the marketplace. */
export const EVENT_TOPICS: readonly string[] = [...TYPE_OF_TOPIC.keys()]

/** requestId, seven terms of the ask, expiry. */
const STORAGE_REQUESTED_WORDS = 9
const UINT64_LIMIT = 1n << 64n

/**
 * Undefined for an event that is none of ours: a later version of the contract may know more.
 * @throws CodexError `market/bad-answer`
 */
export function readEvent({ topics, data, block, blockHash, logIndex }: RawLog): ContractEvent | undefined {
  const type = TYPE_OF_TOPIC.get(topics[0] ?? '')
  if (type === undefined) return undefined
  const place: EventPlace = { block, blockHash, logIndex }
  switch (type) {
    case 'StorageRequested':
      return readStorageRequested(data, place)
    case 'ProofSubmitted':
      return { ...place, type, slotId: hexOf(readWords(data, 1, type)[0] as bigint) as SlotId }
    case 'RequestFulfilled':
    case 'RequestFailed':
    case 'RequestCancelled':
      return { ...place, type, requestId: requestIdOf(topics, type) }
    case 'SlotFilled':
    case 'SlotFreed':
    case 'SlotReservationsFull': {
      const requestId = requestIdOf(topics, type)
      const slotIndex = safe(uint64(readWords(data, 1, type)[0] as bigint, 'a slot index'), 'a slot index')
      return { ...place, type, requestId, slotIndex, slotId: slotId(requestId, slotIndex) }
    }
  }
}

function readStorageRequested(data: string, place: EventPlace): ContractEvent {
  const words = readWords(data, STORAGE_REQUESTED_WORDS, 'StorageRequested')
  const word = (index: number) => words[index] as bigint
  return {
    ...place,
    type: 'StorageRequested',
    requestId: hexOf(word(0)) as RequestId,
    ask: {
      proofProbability: word(1),
      pricePerBytePerSecond: word(2),
      collateralPerByte: word(3),
      slots: uint64(word(4), 'slots'),
      slotSize: uint64(word(5), 'slotSize'),
      duration: uint64(word(6), 'duration'),
      maxSlotLoss: uint64(word(7), 'maxSlotLoss'),
    },
    // An instant that far off is as good as none, and must not keep the other events from being read.
    expiry: clamped(uint64(word(8), 'expiry')),
  }
}

function requestIdOf(topics: readonly string[], type: EventType): RequestId {
  if (topics.length !== 2) throw badAnswer(`a log of ${type} with two topics`, topics.length)
  return topics[1] as RequestId
}

function hexOf(word: bigint): string {
  return `0x${word.toString(16).padStart(64, '0')}`
}

function uint64(word: bigint, what: string): bigint {
  if (word < UINT64_LIMIT) return word
  throw badAnswer(`${what} of 64 bits`, word)
}

function safe(value: bigint, what: string): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value)
  throw badAnswer(`${what} below 2^53`, value)
}

function clamped(value: bigint): number {
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : Number.MAX_SAFE_INTEGER
}
