// One decision of the accounting at a time: decide from the books in memory, commit records and reserved bytes together, then change the
// books. Where a commit failed, whose fate nobody knows, the records are read again before the next decision. The verbs are in reservations.ts.

import { Bell } from '../lib/bell.ts'
import { assert } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'
import type { Booking, ListToDrop, SpaceLook } from '../storage/bookspace.ts'
import type { Key } from '../storage/datastore.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { Availability, AvailabilityId } from './availability.ts'
import { notExists } from './availabilityterms.ts'
import type { Reservation, ReservationId } from './reservation.ts'
import { Draft, ReservationBooks } from './reservationbooks.ts'
import { decodeAvailability, decodeReservation, readSalesKey } from './salesrecords.ts'

/** Fills the draft; says how many bytes are to be set aside, or given back when negative. Throws to change nothing. */
export type Decide<T> = (look: SpaceLook, draft: Draft) => Promise<{ readonly reserve: Bytes; readonly result: T }>

export class Bookkeeper {
  readonly repo: RepoStore
  readonly books = new ReservationBooks()
  /** Rings when something may match that did not before. */
  readonly loosened = new Bell()
  /** By key text: records whose commit is under way or failed. */
  readonly #doubtful = new Map<string, Key>()

  constructor(repo: RepoStore) {
    this.repo = repo
  }

  /** @param drop references that go in the same commit @throws what `decide` and the stores throw */
  book<T>(decide: Decide<T>, drop?: () => ListToDrop | undefined): Promise<T> {
    return this.repo.book(
      async (look) => {
        await this.#readDoubtful()
        const draft = new Draft()
        const { reserve, result } = await decide(look, draft)
        return { reserve, result, ...this.#bookingOf(draft) }
      },
      drop &&
        (async () => {
          await this.#readDoubtful()
          return drop()
        }),
    )
  }

  /** For a decision inside a commit of the store's own. */
  async draft(decide: (draft: Draft) => void): Promise<Pick<Booking<unknown>, 'changes' | 'applied'>> {
    await this.#readDoubtful()
    const draft = new Draft()
    decide(draft)
    return this.#bookingOf(draft)
  }

  /** @throws CodexError `reservations/not-exists` */
  availability(id: AvailabilityId): Availability {
    const availability = this.books.availabilities.get(id)
    if (availability === undefined) throw notExists('availability', id)
    return availability
  }

  /** @throws CodexError `reservations/not-exists` */
  reservation(id: ReservationId): Reservation {
    const reservation = this.books.reservations.get(id)
    if (reservation === undefined) throw notExists('reservation', id)
    return reservation
  }

  /** Doubt first, then commit: a decision that follows a failed commit at once must not trust the books. */
  #bookingOf(draft: Draft): Pick<Booking<unknown>, 'changes' | 'applied'> {
    const { changes, keys } = draft
    for (const key of keys) this.#doubtful.set(String(key), key)
    const applied = (): void => {
      for (const key of keys) this.#doubtful.delete(String(key))
      this.#apply(draft)
    }
    return { changes, applied }
  }

  async #readDoubtful(): Promise<void> {
    if (this.#doubtful.size === 0) return
    const keys = [...this.#doubtful.values()]
    const records = await this.repo.parts.datastore.getMany(keys)
    const draft = new Draft()
    for (const [i, key] of keys.entries()) this.#readAgain(draft, key, records[i])
    this.#doubtful.clear()
    this.#apply(draft)
  }

  #readAgain(draft: Draft, key: Key, record: Uint8Array | undefined): void {
    const names = readSalesKey(key)
    assert(names !== undefined, 'only records of our own are in doubt')
    const { availabilityId, reservationId } = names
    if (reservationId === undefined) {
      if (record === undefined) draft.drop(availabilityId)
      else draft.put(decodeAvailability(key, record))
      return
    }
    if (record !== undefined) draft.putReservation(decodeReservation(key, record))
    const known = this.books.reservations.get(reservationId)
    if (record === undefined && known !== undefined) draft.dropReservation(known)
  }

  #apply(draft: Draft): void {
    if (this.books.apply(draft)) this.loosened.ring()
  }
}
