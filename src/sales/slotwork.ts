// What a sale asks of the node beyond the chain and the accounts: the slot's data, and proofs of it. A seam; who fetches and proves is not here.

import type { AbortOptions } from '../lib/abort.ts'
import type { Scope } from '../lib/scope.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { Groth16Proof } from '../market/groth16proof.ts'
import type { RequestId, StorageRequest } from '../protocol/request.ts'
import type { Reservation } from './reservation.ts'

/** One slot of a request, as the chain has it. */
export interface SlotContent {
  readonly request: StorageRequest
  readonly slotIndex: number
}

export interface FetchSlotOptions extends AbortOptions {
  /** Takes what is stored. */
  readonly reservation: Reservation
  /** Keep manifest and blocks at least until then. */
  readonly expiry: Seconds
  /** The slot was lost by another host: nobody may have its blocks, they are rebuilt from other slots. */
  readonly isRepair: boolean
}

export interface ProveOptions extends AbortOptions {
  /** `duty` overtakes `sale`. */
  readonly rank: 'duty' | 'sale'
  /** Where what is missing may still be on its way back when the proof is given up. Without it, that ends with the signal. */
  readonly beside?: Scope | undefined
}

export interface SlotWork {
  /**
   * Settles once the manifest of the slot's dataset is known and is what the request says. Keeps nothing.
   * @throws CodexError as {@link SlotWork.fetch}
   */
  look(slot: SlotContent, options: AbortOptions): Promise<void>
  /**
   * Brings every block of the slot into the store, through its Reservation, and builds the slot's tree. Yields the bytes that are done, of all blocks of
   * the slot. What an earlier run stored is not fetched again. It has ended well only when the tree's root is the manifest's and the manifest's root the
   * request's.
   * @throws CodexError of the rooms that do it, for a manifest that lies and for data that does not come; the signal's reason
   */
  fetch(slot: SlotContent, options: FetchSlotOptions): AsyncIterable<Bytes>
  /** Keeps manifest and blocks of the slot at least until then. */
  keepUntil(slot: SlotContent, expiry: Seconds, options: AbortOptions): Promise<void>
  /** A proof for the challenge (0x-hex). What has gone of the slot's data is brought back first. */
  prove(slot: SlotContent, challenge: string, options: ProveOptions): Promise<Groth16Proof>
  /**
   * A Reservation of the request is settled: what beside its blocks was kept for it goes, unless another slot needs it. Rejects as the stores do: then it may
   * be asked for again.
   */
  letGo(id: RequestId, options: AbortOptions): Promise<void>
  /** As {@link SlotWork.letGo}, of all requests without a Reservation: what an earlier run did not come to. */
  letGoOfEnded(options: AbortOptions): Promise<void>
}
