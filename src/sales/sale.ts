// A sale, told downward: one slot from the first look at its request to the payout. Every step is a line; what it means for the accounts is in
// settlement.ts, who runs it is the agent.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bell } from '../lib/bell.ts'
import { CodexError } from '../lib/errors.ts'
import { PokedWait } from '../lib/pokedwait.ts'
import type { Slot } from '../market/market.ts'
import { slotId } from '../protocol/ids.ts'
import { collectSlot } from './collectslot.ts'
import { fillSlot, findOutFill } from './fillslot.ts'
import { FillWatch } from './fillwatch.ts'
import { keepProving } from './keepproving.ts'
import { initialProof } from './initialproof.ts'
import type { Reservation } from './reservation.ts'
import type { SaleContext, SaleSeams } from './salecontext.ts'
import { slotContent } from './salecontext.ts'
import type { SaleOutcome } from './saleoutcome.ts'
import type { SalePhase } from './salephase.ts'

export type SaleStart =
  /** From the queue. */
  | { readonly at: 'preparing' }
  /** Taken up after a restart: in flight, ours on chain, or over. */
  | { readonly at: 'filling' | 'filled' | 'collecting'; readonly reservation: Reservation }

/** What is known of a fill of ours. */
type FillFate = 'never sent' | 'unknown'

/** Proofs that the contract may refuse in a row, because the challenge changed before the transaction was in a block. */
const MAX_FILL_TRIES = 3

export interface SellOptions extends AbortOptions {
  readonly start: SaleStart
  /** Rings when the chain told something of this slot or its request: time to look. */
  readonly pokes: Bell
}

/**
 * Before the fill anything may end a sale; after it only the chain does. Aborting the signal means that the node stops: the outcome is `paused`, and
 * the sale is taken up again at the next start. What fails after the fill costs a period at most, and is tried again.
 */
export async function* sell(
  slot: Slot,
  seams: SaleSeams,
  { signal, start, pokes }: SellOptions,
): AsyncGenerator<SalePhase, SaleOutcome, void> {
  const wait = new PokedWait(seams.clock, pokes, signal)
  const context: SaleContext = { ...seams, slot, id: slotId(slot.requestId, slot.slotIndex), signal, pokes, wait }
  try {
    if (start.at === 'collecting') return yield* collectSlot(context)
    let isFilled = start.at === 'filled'
    let reservation = start.at === 'preparing' ? undefined : start.reservation
    let fate: FillFate = start.at === 'filling' ? 'unknown' : 'never sent'
    for (;;) {
      if (!isFilled) {
        const got = yield* untilFilled(context, reservation, fate)
        if ('end' in got) return got
        reservation = got
      }
      const over = yield* keepProving(context)
      if (over === 'over') return yield* collectSlot(context)
      if (over !== 'undone') return over
      // A reorganisation took our fill back. The data is here and the slot is free: fill it again.
      isFilled = false
      fate = 'unknown'
    }
  } catch (error) {
    if (signal.aborted) return { end: 'paused' }
    throw error
  } finally {
    wait.end()
  }
}

/** @returns the Reservation of the slot that is ours now, or how the sale ended */
async function* untilFilled(
  context: SaleContext,
  taken: Reservation | undefined,
  fate: FillFate,
): AsyncGenerator<SalePhase, SaleOutcome | Reservation, void> {
  const watch = new FillWatch(context)
  // From here on the signal also aborts when the slot cannot become ours any more.
  const watched: SaleContext = { ...context, signal: watch.signal }
  try {
    if (fate === 'unknown' && taken !== undefined) {
      yield { at: 'filling' }
      const found = await findOutFill(context, taken)
      if (found === 'filled') return taken
      if (found !== 'not sent') return found
    }
    const reservation = taken ?? (yield* prepare(watched))
    if ('end' in reservation) return reservation
    watch.begin()
    const declined = taken === undefined ? yield* download(watched, reservation) : undefined
    return declined ?? (yield* proveAndFill(watched, reservation))
  } catch (error) {
    if (context.signal.aborted) throw error
    if (watch.outcome !== undefined) return watch.outcome
    return { end: 'broke', error: asCodexError(error) }
  } finally {
    await watch.end()
  }
}

/** @returns bytes and collateral that are set aside for the slot */
async function* prepare({
  market,
  reservations,
  slot,
  id,
  signal,
}: SaleContext): AsyncGenerator<SalePhase, SaleOutcome | Reservation, void> {
  yield { at: 'preparing' }
  const request = await market.request(slot.requestId, { signal })
  const requestEnd = await market.requestEnd(slot.requestId, { signal })
  if (request === undefined || requestEnd === undefined) return { end: 'declined', why: 'bad terms' }
  if (BigInt(slot.slotIndex) >= request.ask.slots) return { end: 'declined', why: 'bad terms' }
  const state = await market.slotState(id, { signal })
  if (state !== 'Free' && state !== 'Repair') return { end: 'declined', why: 'slot not free' }
  const reservation = await reservations.reserve({ ...slot, ...request.ask, requestEnd })
  return reservation ?? { end: 'declined', why: 'no availability' }
}

/** Reserves the slot on chain, then brings its data here. @returns how it ended, if it did */
async function* download(
  context: SaleContext,
  reservation: Reservation,
): AsyncGenerator<SalePhase, SaleOutcome | undefined, void> {
  const { market, work, slot, id, signal } = context
  yield { at: 'reserving', reservation }
  if (!(await market.canReserveSlot(slot, { signal }))) return { end: 'declined', why: 'reservations full' }
  const reserved = await market.reserveSlot(slot, { signal })
  if (!reserved.done) return { end: 'declined', why: 'reservations full' }

  const totalBytes = reservation.slotBytes
  yield { at: 'downloading', doneBytes: 0, totalBytes }
  const content = await slotContent(context)
  const isStarted = (await market.requestState(slot.requestId, { signal })) === 'Started'
  const expiry = isStarted ? reservation.validUntil : await market.requestExpiry(slot.requestId, { signal })
  const isRepair = (await market.slotState(id, { signal })) === 'Repair'
  const options = { reservation, expiry: expiry ?? reservation.validUntil, isRepair, signal }
  for await (const doneBytes of work.fetch(content, options)) yield { at: 'downloading', doneBytes, totalBytes }
  return undefined
}

/** @returns the Reservation once the slot is ours, or how it ended */
async function* proveAndFill(
  context: SaleContext,
  reservation: Reservation,
): AsyncGenerator<SalePhase, SaleOutcome | Reservation, void> {
  for (let tries = 1; ; tries++) {
    yield { at: 'initial proving' }
    const proof = await initialProof(context)
    yield { at: 'filling' }
    const filled = await fillSlot(context, reservation, proof)
    if (filled === 'filled') return reservation
    // The challenge changed on the way: another period brings another.
    if (filled !== 'prove again') return filled
    if (tries === MAX_FILL_TRIES)
      throw new CodexError(
        'sale/proof-refused',
        `the contract refused ${tries} proofs in a row: check the circuit files`,
      )
  }
}

function asCodexError(error: unknown): CodexError {
  if (CodexError.is(error)) return error
  return new CodexError('sale/unexpected', 'a sale ended for a reason nobody foresaw: see the cause', { cause: error })
}
