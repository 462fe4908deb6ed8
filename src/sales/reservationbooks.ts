// Availabilities and Reservations in memory, found by what people and sales ask for, and drafts of changes to them. It decides nothing and
// stores nothing: reservations.ts does.

import type { RequestId } from '../protocol/request.ts'
import type { Change, Key } from '../storage/datastore.ts'
import type { Availability, AvailabilityId, SlotWanted } from './availability.ts'
import { isLoosened } from './availability.ts'
import { AvailabilityIndex } from './availabilityindex.ts'
import type { Reservation, ReservationId } from './reservation.ts'
import { availabilityKey, putAvailability, putReservation, reservationKey } from './salesrecords.ts'

/** Nothing more than this is kept; each takes about a kilobyte. */
export const MAX_AVAILABILITIES = 200_000
export const MAX_RESERVATIONS = 200_000

/** What one commit will change, in records and in memory alike. */
export class Draft {
  readonly availabilities = new Map<AvailabilityId, Availability | undefined>()
  readonly reservations = new Map<ReservationId, { readonly reservation: Reservation; readonly gone: boolean }>()
  readonly #also: Change[] = []

  put(availability: Availability): this {
    this.availabilities.set(availability.id, availability)
    return this
  }

  drop(id: AvailabilityId): this {
    this.availabilities.set(id, undefined)
    return this
  }

  putReservation(reservation: Reservation): this {
    this.reservations.set(reservation.id, { reservation, gone: false })
    return this
  }

  dropReservation(reservation: Reservation): this {
    this.reservations.set(reservation.id, { reservation, gone: true })
    return this
  }

  /** A record that is not of this room. */
  also(change: Change): this {
    this.#also.push(change)
    return this
  }

  get changes(): Change[] {
    return [
      ...this.#also,
      ...Array.from(this.availabilities, ([id, availability]): Change =>
        availability === undefined ? { drop: availabilityKey(id) } : putAvailability(availability),
      ),
      ...Array.from(this.reservations.values(), ({ reservation, gone }): Change =>
        gone ? { drop: reservationKey(reservation) } : putReservation(reservation),
      ),
    ]
  }

  get keys(): Key[] {
    return [
      ...Array.from(this.availabilities.keys(), availabilityKey),
      ...Array.from(this.reservations.values(), ({ reservation }) => reservationKey(reservation)),
    ]
  }
}

export class ReservationBooks {
  readonly #availabilities = new Map<AvailabilityId, Availability>()
  readonly #reservations = new Map<ReservationId, Reservation>()
  readonly #byAvailability = new Map<AvailabilityId, Set<ReservationId>>()
  readonly #bySlot = new Map<string, ReservationId>()
  readonly #index = new AvailabilityIndex()

  get availabilities(): ReadonlyMap<AvailabilityId, Availability> {
    return this.#availabilities
  }

  get reservations(): ReadonlyMap<ReservationId, Reservation> {
    return this.#reservations
  }

  of(id: AvailabilityId): Reservation[] {
    return Array.from(this.#byAvailability.get(id) ?? [], (each) => this.#reservations.get(each)).filter(
      (each) => each !== undefined,
    )
  }

  ofSlot(requestId: RequestId, slotIndex: number): Reservation | undefined {
    const id = this.#bySlot.get(slotName({ requestId, slotIndex }))
    return id === undefined ? undefined : this.#reservations.get(id)
  }

  /** Best fit among the enabled ones. */
  find(wanted: SlotWanted): Availability | undefined {
    return this.#index.find(wanted)
  }

  /** @returns whether something may match now that did not before */
  apply({ availabilities, reservations }: Draft): boolean {
    let loosened = false
    for (const [id, after] of availabilities) {
      loosened = isLoosened(this.#availabilities.get(id), after) || loosened
      this.setAvailability(id, after)
    }
    for (const { reservation, gone } of reservations.values()) this.setReservation(reservation, gone)
    return loosened
  }

  setAvailability(id: AvailabilityId, after: Availability | undefined): void {
    if (after === undefined) this.#availabilities.delete(id)
    else this.#availabilities.set(id, after)
    if (after?.enabled === true) this.#index.set(after)
    else this.#index.delete(id)
  }

  setReservation(reservation: Reservation, gone: boolean): void {
    const { id, availabilityId } = reservation
    const siblings = this.#byAvailability.get(availabilityId) ?? new Set()
    if (gone) {
      this.#reservations.delete(id)
      siblings.delete(id)
      if (this.#bySlot.get(slotName(reservation)) === id) this.#bySlot.delete(slotName(reservation))
    } else {
      this.#reservations.set(id, reservation)
      siblings.add(id)
      this.#bySlot.set(slotName(reservation), id)
    }
    if (siblings.size === 0) this.#byAvailability.delete(availabilityId)
    else this.#byAvailability.set(availabilityId, siblings)
  }
}

/** One text per slot. */
export function slotName({ requestId, slotIndex }: Pick<Reservation, 'requestId' | 'slotIndex'>): string {
  return `${requestId}/${slotIndex}`
}
