// Reservations: the accounting of selling. Availabilities, what slots take from them, and what comes back; each decision is one commit of
// records, quota and references together. It knows no chain and no sale: who settles, and with what due, is in settlement.ts.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError, assert } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { RandomSource } from '../lib/random.ts'
import type { Seconds } from '../lib/units.ts'
import type { RequestId } from '../protocol/request.ts'
import type { SpaceLook } from '../storage/bookspace.ts'
import type { Change } from '../storage/datastore.ts'
import type { PutOutcome } from '../storage/putblocks.ts'
import type { RepoStore } from '../storage/repostore.ts'
import type { VerifiedBlock } from '../storage/verifiedblock.ts'
import type { Availability, AvailabilityId, AvailabilityTerms, SlotWanted } from './availability.ts'
import type { NewTerms } from './availabilityterms.ts'
import { changedTerms, checkedTerms, reservationsError } from './availabilityterms.ts'
import { Bookkeeper, type Decide } from './bookkeeper.ts'
import { checkStored } from './checkstored.ts'
import { emptyAvailability, openReservations } from './openreservations.ts'
import { promisedTokens } from './promised.ts'
import type { Reservation, ReservationId } from './reservation.ts'
import { type Draft, MAX_AVAILABILITIES, MAX_RESERVATIONS } from './reservationbooks.ts'
import { idFrom } from './salesrecords.ts'
import type { CollateralDue } from './settlement.ts'
import { type Settled, settleStep } from './settlestep.ts'
import { type SlotBlocks, listToDrop, setAsideOf } from './slotblocks.ts'
import type { SlotAdopted, SlotTaking } from './takeslot.ts'
import { takeFrom } from './takeslot.ts'

/** References dropped in one commit of a settlement, in pages of 128 leaves. A larger slot first loses what is over this, commit by commit. */
export const SETTLE_PAGES = 64

const ID_BYTES = 32

export interface ReservationsParts {
  readonly repo: RepoStore
  readonly random: Pick<RandomSource, 'bytes'>
  readonly log: Log
}

export interface ReservationsSettings {
  /** As {@link SETTLE_PAGES}. */
  readonly settlePages?: number | undefined
}

/** What all slots together may not go beyond. */
export interface ReserveLimits {
  /** What our account holds, in token base units. */
  readonly tokens: bigint
  /** Slots whose fill was not known to have landed when the account was asked: what they put at stake may still be among the tokens. */
  readonly unpaid?: ReadonlySet<ReservationId> | undefined
  /** Held or under way at once; any number by default. */
  readonly slots?: number | undefined
  /** Why, beside all that is held and under way, the slot may not be taken for the gas it will want. Nothing stands against it by default. */
  readonly lacksGas?: ((held: readonly Reservation[]) => 'gas budget' | 'few coins' | undefined) | undefined
}

export interface FillNoted {
  /** Of one that landed, chain time: the first stands, unless another was sent since. */
  readonly at?: Seconds | undefined
  /** Of one that is sent, number of the newest block: the first stands. Of one that landed, its own. */
  readonly block?: number | undefined
  /** Of one that is sent: what it takes from our account, in token base units. */
  readonly stake?: bigint | undefined
}

export type NotReserved = 'no availability' | 'too few tokens' | 'prover full' | 'gas budget' | 'few coins'

/**
 * What is read from it is as the last commit left it. Errors: those named, and what the stores throw; whatever throws has changed nothing.
 */
export class Reservations {
  readonly #keeper: Bookkeeper
  readonly #random: Pick<RandomSource, 'bytes'>
  readonly #log: Log
  readonly #settlePages: number

  private constructor({ repo, random, log }: ReservationsParts, { settlePages = SETTLE_PAGES }: ReservationsSettings) {
    assert(settlePages >= 1, 'a settlement drops at least a page at a time')
    this.#keeper = new Bookkeeper(repo)
    this.#random = random
    this.#log = log.topic('reservations')
    this.#settlePages = settlePages
  }

  /** As {@link openReservations}: reads everything back, puts damage right and tells of it as errors of the log. */
  static async open(
    parts: ReservationsParts,
    options: AbortOptions & ReservationsSettings,
  ): Promise<{ readonly reservations: Reservations; readonly alerts: readonly string[] }> {
    const { availabilities, reservations, alerts } = await openReservations(parts.repo, options)
    const made = new Reservations(parts, options)
    for (const availability of availabilities) made.#keeper.books.setAvailability(availability.id, availability)
    for (const reservation of reservations) made.#keeper.books.setReservation(reservation, false)
    for (const alert of alerts) made.#log.error(alert)
    return { reservations: made, alerts }
  }

  availabilities(): Availability[] {
    return [...this.#keeper.books.availabilities.values()]
  }

  availability(id: AvailabilityId): Availability | undefined {
    return this.#keeper.books.availabilities.get(id)
  }

  /** Some of them, whichever: for who need not see all. */
  someAvailabilities(count: number): Availability[] {
    const some: Availability[] = []
    for (const each of this.#keeper.books.availabilities.values()) {
      if (some.length >= count) break
      some.push(each)
    }
    return some
  }

  reservations(): Reservation[] {
    return [...this.#keeper.books.reservations.values()]
  }

  reservation(id: ReservationId): Reservation | undefined {
    return this.#keeper.books.reservations.get(id)
  }

  /** Slots that are held or under way: those whose end has begun are not. */
  countHeld(): number {
    let held = 0
    for (const { returnedCollateral } of this.#keeper.books.reservations.values())
      if (returnedCollateral === undefined) held++
    return held
  }

  /** Those whose fill is not known to have landed. */
  unpaid(): ReadonlySet<ReservationId> {
    return new Set(this.reservations().flatMap(({ id, fill }) => (fill === 'landed' ? [] : [id])))
  }

  /** Those of one Availability, none for one that does not exist. */
  reservationsOf(id: AvailabilityId): Reservation[] {
    return this.#keeper.books.of(id)
  }

  reservationOf(requestId: RequestId, slotIndex: number): Reservation | undefined {
    return this.#keeper.books.ofSlot(requestId, slotIndex)
  }

  /** The Availability that fits best: of those that match, the one with the least free space. Takes nothing. */
  find(wanted: SlotWanted): Availability | undefined {
    return this.#keeper.books.find(wanted)
  }

  /** Yields whenever something may match now that did not before. Rejects with `signal.reason`. */
  loosenings(options: AbortOptions): AsyncGenerator<void, never> {
    return this.#keeper.loosened.listen(options)
  }

  /** @throws CodexError `reservations/bad-terms`, `reservations/until-out-of-bounds`, `reservations/reserve-failed`, `reservations/too-many` */
  async create(newTerms: NewTerms): Promise<Availability> {
    const terms = checkedTerms(newTerms)
    return this.#bookRoom(async (_, draft) => {
      if (this.#keeper.books.availabilities.size >= MAX_AVAILABILITIES)
        throw tooMany('availabilities', MAX_AVAILABILITIES)
      const availability: Availability = {
        id: this.#newId<AvailabilityId>(),
        ...terms,
        freeSize: terms.totalSize,
        totalRemainingCollateral: terms.totalCollateral,
      }
      draft.put(availability)
      return { reserve: terms.totalSize, result: availability }
    })
  }

  /**
   * Changes terms. Sizes move the free size by the same difference, collateral the remaining one; what slots have taken stays taken.
   * @throws CodexError `reservations/not-exists`, `reservations/bad-terms`, `reservations/until-out-of-bounds`,
   * `reservations/bytes-out-of-bounds`, `reservations/collateral-out-of-bounds`, `reservations/reserve-failed`
   */
  async change(id: AvailabilityId, changes: Partial<AvailabilityTerms>): Promise<Availability> {
    return this.#bookRoom(async (_, draft) => {
      const before = this.#keeper.availability(id)
      const after = changedTerms(before, changes, this.#keeper.books.of(id))
      draft.put(after)
      return { reserve: after.totalSize - before.totalSize, result: after }
    })
  }

  /** Deletes one that no slot has taken from. @throws CodexError `reservations/not-exists`, `reservations/not-empty` */
  async delete(id: AvailabilityId): Promise<void> {
    return this.#keeper.book(async (_, draft) => {
      const { totalSize } = this.#keeper.availability(id)
      const slots = this.#keeper.books.of(id).length
      if (slots > 0)
        throw reservationsError(
          'reservations/not-empty',
          `availability ${id} has ${slots} slots: disable it and delete it when they have ended`,
          { id, slots },
        )
      draft.drop(id)
      return { reserve: -totalSize, result: undefined }
    })
  }

  /**
   * Takes bytes and collateral for a slot from the Availability that fits best, chosen and taken in one.
   * @returns undefined when none matches
   * @throws CodexError `reservations/slot-taken`, `reservations/too-many`
   */
  async reserve(slot: SlotTaking): Promise<Reservation | undefined> {
    return this.#keeper.book<Reservation | undefined>(async (look, draft) => {
      const availability = this.#keeper.books.find(slot)
      return { reserve: 0, result: availability && (await this.#take(availability, slot, look, draft)) }
    })
  }

  /**
   * As {@link Reservations.reserve}, unless our account does not hold what the slot puts at stake beside the slots whose fill is not known to have landed.
   */
  async reserveWithin(
    slot: SlotTaking,
    { tokens, unpaid, slots = Infinity, lacksGas }: ReserveLimits,
  ): Promise<Reservation | NotReserved> {
    return this.#keeper.book<Reservation | NotReserved>(async (look, draft) => {
      const availability = this.#keeper.books.find(slot)
      if (availability === undefined) return { reserve: 0, result: 'no availability' }
      if (this.countHeld() >= slots) return { reserve: 0, result: 'prover full' }
      const promised = promisedTokens(this.#keeper.books.reservations.values(), unpaid)
      if (slot.slotSize * slot.collateralPerByte + promised > tokens) return { reserve: 0, result: 'too few tokens' }
      const lack = lacksGas?.(this.reservations())
      if (lack !== undefined) return { reserve: 0, result: lack }
      return { reserve: 0, result: await this.#take(availability, slot, look, draft) }
    })
  }

  /**
   * As {@link Reservations.reserve}, from this one whatever its other terms are.
   * @throws CodexError `reservations/not-exists`, `reservations/bytes-out-of-bounds`, `reservations/collateral-out-of-bounds`, and as there
   */
  async reserveFrom(id: AvailabilityId, slot: SlotTaking): Promise<Reservation> {
    return this.#keeper.book(async (look, draft) => ({
      reserve: 0,
      result: await this.#take(this.#keeper.availability(id), slot, look, draft),
    }))
  }

  /**
   * Makes the Reservation of a slot that is ours on chain and that no Reservation knows, after records were lost: the Availability grows by
   * what it takes. Whether its data is still here nobody knows: bytes for it are set aside as far as there is room, so that it can be fetched again.
   * @throws CodexError `reservations/slot-taken`, `reservations/too-many`
   */
  async adopt({ availabilityId, ...slot }: SlotAdopted): Promise<Reservation> {
    return this.#keeper.book(async (look, draft) => {
      assert(Number.isSafeInteger(slot.slotBytes) && slot.slotBytes >= 0, 'a slot has whole bytes')
      const id = availabilityId ?? this.#newId<AvailabilityId>()
      const before = this.availability(id) ?? emptyAvailability(id)
      draft.put({
        ...before,
        totalSize: before.totalSize + slot.slotBytes,
        totalCollateral: before.totalCollateral + slot.collateral,
      })
      const size = Math.min(slot.slotBytes, Math.max(0, look.free))
      return {
        reserve: size,
        result: await this.#newReservation({ availabilityId: id, ...slot, size, fill: 'landed' }, look, draft),
      }
    })
  }

  /**
   * Stores blocks of a slot, in groups as {@link RepoStore.putMany}. Each commit names them in the slot's list and moves the bytes that it
   * really adds from reserved to used; those of duplicate, empty and present blocks stay reserved.
   * @throws CodexError `reservations/not-exists`, `reservations/ending`, `reservations/bytes-out-of-bounds`; blocks of later groups are not stored then
   */
  async put(id: ReservationId, blocks: readonly VerifiedBlock[], slot: SlotBlocks): Promise<PutOutcome[]> {
    const { indices, tree, durability } = slot
    assert(indices.length === blocks.length, 'every block has its index')
    const { listId, validUntil } = this.#keeper.reservation(id)
    return this.#keeper.repo.putMany(blocks, {
      expiry: slot.expiry ?? validUntil,
      leaves: { treeId: listId, indices },
      setAside: setAsideOf(this.#keeper, id, tree),
      durability,
    })
  }

  /**
   * Notes how far the fill is, so that a restart knows what to ask the chain: `sent` before it is signed, `undefined` when it is known not to
   * have happened.
   * @throws CodexError `reservations/not-exists`
   */
  async markFill(id: ReservationId, fill: Reservation['fill'], noted: FillNoted = {}): Promise<void> {
    return this.#keeper.book(async (_, draft) => {
      draft.putReservation(withFill(this.#keeper.reservation(id), fill, noted))
      return { reserve: 0, result: undefined }
    })
  }

  /**
   * Ends a Reservation: drops the slot's references, deletes the blocks that nobody else refers to, sets their bytes aside again, and
   * gives the Availability bytes and collateral back, in one commit. A slot of more than {@link SETTLE_PAGES} pages loses its surplus in
   * commits before that one; a crash in between is no harm, the due of the first call stands and {@link Reservations.settleBegun} goes on.
   * @param also records that go with it, in the first commit already
   * @param signal heard between commits. Rejects with its reason, which is no harm either
   * @returns undefined when there is no such Reservation (any more)
   */
  async settle(
    id: ReservationId,
    collateral: CollateralDue,
    also: readonly Change[] = [],
    { signal }: Partial<AbortOptions> = {},
  ): Promise<Settled | undefined> {
    for (;;) {
      const step = await this.#keeper.book<Settled | 'more' | undefined>(
        async (look, draft) => {
          const ended = this.reservation(id)
          if (ended === undefined) return { reserve: 0, result: undefined }
          for (const change of also) draft.also(change)
          return settleStep(ended, this.#keeper.availability(ended.availabilityId), collateral, look, draft)
        },
        () => listToDrop(this.#keeper, id, this.#settlePages),
      )
      if (step === 'more') {
        signal?.throwIfAborted()
        continue
      }
      if (step === undefined) return undefined
      this.#tellLosses(id, step)
      // The disk gets its space back; when that fails the slab is cut another time.
      await this.#keeper.repo.trim().catch((error: unknown) => this.#log.warn('the slab keeps its size', { error }))
      return step
    }
  }

  /** Settles those whose settlement was interrupted. @returns their number */
  async settleBegun({ signal }: AbortOptions): Promise<number> {
    const begun = this.reservations().filter(({ returnedCollateral }) => returnedCollateral !== undefined)
    for (const { id } of begun) {
      signal.throwIfAborted()
      await this.settle(id, 'all', [], { signal })
    }
    return begun.length
  }

  /** As {@link checkStored}: one sentence per breach of the invariants. */
  check(options: AbortOptions): Promise<string[]> {
    return this.#keeper.book(async (look) => ({
      reserve: 0,
      result: await checkStored(this.#keeper.repo, this.#keeper.books, look, options),
    }))
  }

  async #take(before: Availability, slot: SlotTaking, look: SpaceLook, draft: Draft): Promise<Reservation> {
    const { after, reservation } = takeFrom(before, slot)
    draft.put(after)
    return this.#newReservation(reservation, look, draft)
  }

  /** @throws CodexError `reservations/slot-taken`, `reservations/too-many` */
  async #newReservation(slot: Omit<Reservation, 'id' | 'listId'>, look: SpaceLook, draft: Draft): Promise<Reservation> {
    const { requestId, slotIndex } = slot
    const taken = this.reservationOf(requestId, slotIndex)
    if (taken !== undefined)
      throw reservationsError(
        'reservations/slot-taken',
        `slot ${slotIndex} of request ${requestId} has reservation ${taken.id} already`,
        { requestId, slotIndex, id: taken.id },
      )
    if (this.#keeper.books.reservations.size >= MAX_RESERVATIONS) throw tooMany('reservations', MAX_RESERVATIONS)
    const [listId, listTaken] = await look.newList()
    const reservation: Reservation = { id: this.#newId<ReservationId>(), ...slot, listId }
    draft.putReservation(reservation).also(listTaken)
    return reservation
  }

  #tellLosses(reservationId: ReservationId, { lostBytes, lostCollateral }: Settled): void {
    if (lostBytes > 0)
      this.#log.error(
        'an availability shrank: blocks of an ended slot are still needed by others and the quota has no room; raise it or remove data',
        { reservationId, lostBytes },
      )
    if (lostCollateral > 0n)
      this.#log.error('collateral was lost: its availability has that much less', { reservationId, lostCollateral })
  }

  /** What the quota refuses is named as this room's. */
  async #bookRoom<T>(decide: Decide<T>): Promise<T> {
    try {
      return await this.#keeper.book(decide)
    } catch (error) {
      if (!CodexError.is(error, 'store/quota-exceeded')) throw error
      throw reservationsError('reservations/reserve-failed', error.message, error.detail, error)
    }
  }

  #newId<Id extends AvailabilityId | ReservationId>(): Id {
    return idFrom(this.#random.bytes(ID_BYTES)) as Id
  }
}

function withFill(
  { sentBlock, filledBlock, stake, filledAt, ...before }: Reservation,
  fill: Reservation['fill'],
  noted: FillNoted,
): Reservation {
  const first = sentBlock ?? (fill === 'sent' ? noted.block : undefined)
  const landed = (fill === 'landed' ? noted.block : undefined) ?? filledBlock
  const atStake = (fill === 'sent' ? noted.stake : undefined) ?? stake
  const since = fill === 'landed' ? (filledAt ?? noted.at) : undefined
  return {
    ...before,
    fill,
    ...(first !== undefined && { sentBlock: first }),
    ...(landed !== undefined && { filledBlock: landed }),
    ...(atStake !== undefined && { stake: atStake }),
    ...(since !== undefined && { filledAt: since }),
  }
}

function tooMany(what: 'availabilities' | 'reservations', limit: number): CodexError {
  return reservationsError('reservations/too-many', `there are ${limit} ${what} already, which is the limit`, {
    what,
    limit,
  })
}
