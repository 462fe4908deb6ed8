// What the contract told, block by block. Events are hints: they may be late or be taken back; the state reads are the truth.

import type { Seconds } from '../lib/units.ts'
import type { RequestId, SlotId, StorageAsk } from '../protocol/request.ts'

/** Where an event stands in the chain. Two events are the same when hash and index are. */
export interface EventPlace {
  readonly block: number
  /** `0x` and lower-case hex digits of 32 bytes. */
  readonly blockHash: string
  /** Place among all logs of its block. */
  readonly logIndex: number
}

/** What the contract told of, and where in the chain that stands. Instants are chain seconds. */
export type ContractEvent = EventPlace &
  (
    | {
        readonly type: 'StorageRequested'
        readonly requestId: RequestId
        readonly ask: StorageAsk
        /** Absolute: the instant after which a request that has not started is cancelled. */
        readonly expiry: Seconds
      }
    | {
        readonly type: 'SlotFilled' | 'SlotFreed' | 'SlotReservationsFull'
        readonly requestId: RequestId
        readonly slotIndex: number
        readonly slotId: SlotId
      }
    | { readonly type: 'RequestFulfilled' | 'RequestCancelled' | 'RequestFailed'; readonly requestId: RequestId }
    | { readonly type: 'ProofSubmitted'; readonly slotId: SlotId }
  )

/** A reorganisation of the chain took `event` back. */
export type UndoneEvent = EventPlace & { readonly type: 'undone'; readonly event: ContractEvent }

/** An event of the contract, or that a reorganisation took one back. */
export type MarketEvent = ContractEvent | UndoneEvent
