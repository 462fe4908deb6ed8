// What a slot stores through its Reservation: how its bytes move from reserved to used, and which references go with it in the end.

import type { Bytes, Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { parseCid } from '../protocol/cid.ts'
import type { ListToDrop } from '../storage/bookspace.ts'
import type { CommitOptions } from '../storage/datastore.ts'
import type { SetAside } from '../storage/putblocks.ts'
import { reservationsError } from './availabilityterms.ts'
import type { Bookkeeper } from './bookkeeper.ts'
import type { Reservation, ReservationId } from './reservation.ts'

export interface SlotBlocks extends Pick<CommitOptions, 'durability'> {
  /** Indices of the blocks in the dataset, in their order. */
  readonly indices: readonly number[]
  /** The dataset's tree: what the store has of it at these indices goes with the slot. */
  readonly tree?: Cid | undefined
  /** The end of the request by default. */
  readonly expiry?: Seconds | undefined
}

/** What {@link RepoStore.putMany} asks before it stores blocks of a slot, and changes with them. */
export function setAsideOf(keeper: Bookkeeper, id: ReservationId, tree: Cid | undefined): SetAside {
  const check = (bytes: Bytes): Reservation => {
    const reservation = keeper.reservation(id)
    const { size, slotBytes, returnedCollateral } = reservation
    if (returnedCollateral !== undefined)
      throw reservationsError('reservations/ending', `reservation ${id} is being settled: it takes no more blocks`, {
        id,
      })
    if (bytes <= size) return reservation
    throw reservationsError(
      'reservations/bytes-out-of-bounds',
      `${bytes} bytes are more than the ${size} of ${slotBytes} that reservation ${id} has left`,
      { id, bytes, leftBytes: size, slotBytes },
    )
  }
  const spend = (bytes: Bytes) =>
    keeper.draft((draft) => {
      const before = check(bytes)
      const after = { ...before, size: before.size - bytes, ...(tree !== undefined && { tree: String(tree) }) }
      if (after.size !== before.size || after.tree !== before.tree) draft.putReservation(after)
    })
  return { check, spend }
}

/** What goes when the slot is settled: its own list, and the tree's leaves at its indices unless another slot needs them. */
export function listToDrop({ books }: Bookkeeper, id: ReservationId, maxPages: number): ListToDrop | undefined {
  const ended = books.reservations.get(id)
  if (ended === undefined) return undefined
  const { listId, tree } = ended
  if (tree === undefined) return { listId, maxPages }
  const others: number[] = []
  for (const each of books.reservations.values()) if (each.id !== id && each.tree === tree) others.push(each.listId)
  return { listId, maxPages, tree: parseCid(tree), others }
}
