// A sale, told downward: one slot from the first look at its request to the payout. Every step is a line; what it means for the accounts is in
// settlement.ts, who runs it is the agent.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bell } from '../lib/bell.ts'
import { CodexError } from '../lib/errors.ts'
import { insist } from '../lib/insist.ts'
import { PokedWait } from '../lib/pokedwait.ts'
import type { Seconds } from '../lib/units.ts'
import type { Groth16Proof } from '../market/groth16proof.ts'
import type { Slot } from '../market/market.ts'
import { slotId } from '../protocol/ids.ts'
import { collectSlot } from './collectslot.ts'
import { DownloadPace, type DownloadPaceOrder } from './downloadpace.ts'
import { fillSlot, findOutFill, landsLate } from './fillslot.ts'
import { FillWatch } from './fillwatch.ts'
import { keepProving } from './keepproving.ts'
import { lackOf, noData } from './lackofdata.ts'
import { lastToProve } from './lasttoprove.ts'
import { type GasLook, type GasShortage, gasShortage } from './gasbudget.ts'
import { initialProof } from './initialproof.ts'
import { promisedTokens } from './promised.ts'
import type { SlotWanted } from './availability.ts'
import { tellFull } from './provingcapacity.ts'
import type { Reservation, ReservationId } from './reservation.ts'
import type { SaleContext, SaleSeams } from './salecontext.ts'
import { isConfirmed, slotContent } from './salecontext.ts'
import type { Declined, SaleOutcome } from './saleoutcome.ts'
import type { SalePhase } from './salephase.ts'
import type { SlotContent } from './slotwork.ts'

export type SaleStart =
  /** From the queue. */
  { readonly at: 'preparing' } | ResumedSale

/** Taken up after a restart: on its way to the fill, in flight, ours on chain, or over. */
export interface ResumedSale {
  readonly at: 'reserving' | 'filling' | 'filled' | 'collecting'
  readonly reservation: Reservation
}

/** Fills that may fail in a row, because the challenge changed before the transaction was in a block, or because it could not be sent. */
const MAX_FILL_TRIES = 3

export interface SellOptions extends AbortOptions {
  readonly start: SaleStart
  /** Hears when the slot is lost to us, as far as anybody can tell: whoever looked at it is free. */
  readonly decided: () => void
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
  { signal, start, pokes, decided }: SellOptions,
): AsyncGenerator<SalePhase, SaleOutcome, void> {
  const wait = new PokedWait(seams.clock, pokes, signal)
  const context: SaleContext = { ...seams, slot, id: slotId(slot.requestId, slot.slotIndex), signal, pokes, wait }
  try {
    let at: SaleStart['at'] = start.at
    let reservation = start.at === 'preparing' ? undefined : start.reservation
    for (;;)
      switch (at) {
        case 'preparing':
        case 'reserving':
        case 'filling': {
          const fill: Fill = { reservation, isSent: at === 'filling', isResumed: at === 'reserving' }
          const lost = yield* untilFilled(context, fill)
          if (lost !== undefined) {
            if (!fill.isSent) return lost
            decided()
            if (!(await isFilledLate(context, fill))) return lost
            yield { at: 'filling' }
          }
          reservation = fill.reservation
          at = 'filled'
          break
        }
        case 'filled': {
          const over = yield* keepProving(context)
          if (typeof over === 'object') return over
          // A reorganisation took our fill back: the data is here and the slot is free, so it is filled again.
          at = over === 'undone' ? 'filling' : 'collecting'
          break
        }
        case 'collecting': {
          const end = yield* collectSlot(context)
          if (end !== 'not over') return end
          // A reorganisation took the end back: there are proofs to be made.
          at = 'filled'
        }
      }
  } catch (error) {
    if (signal.aborted) return { end: 'paused' }
    throw error
  } finally {
    wait.end()
  }
}

/** What a slot is filled with. */
interface Fill {
  reservation: Reservation | undefined
  /** An earlier run took the slot, and did not come to its fill. */
  readonly isResumed: boolean
  /** From then on the data is here, and the slot may become ours whatever we hear. */
  isSent: boolean
}

/** @returns how the sale ended, unless the slot is ours now */
async function* untilFilled(
  context: SaleContext,
  fill: Fill,
): AsyncGenerator<SalePhase, SaleOutcome | undefined, void> {
  try {
    if (fill.isSent && fill.reservation !== undefined) {
      yield { at: 'filling' }
      const found = await findOutFill(context, fill.reservation)
      if (found === 'filled') return undefined
      if (found !== 'not sent') return found
    }
    const reservation = fill.reservation ?? (yield* prepare(context))
    if ('end' in reservation) return reservation
    fill.reservation = reservation
    for (let tries = 1; ; tries++) {
      const proof = yield* untilProven(context, reservation, fill)
      if ('end' in proof) return proof
      yield { at: 'filling' }
      fill.isSent = true
      const filled = await fillSlot(context, reservation, proof)
      if (filled === 'filled') return undefined
      if ('end' in filled) return filled
      // The challenge changed on the way, or the transaction failed: another period brings another.
      if (tries === MAX_FILL_TRIES) throw filled.again
    }
  } catch (error) {
    context.signal.throwIfAborted()
    return { end: 'broke', error: asCodexError(error) }
  }
}

async function isFilledLate(context: SaleContext, { reservation }: Fill): Promise<boolean> {
  return reservation !== undefined && (await landsLate(context, reservation))
}

/** @returns bytes and collateral that are set aside for the slot */
async function* prepare(context: SaleContext): AsyncGenerator<SalePhase, SaleOutcome | Reservation, void> {
  const { reservations, slot, capacity } = context
  yield { at: 'preparing' }
  const wanted = await whatIsWanted(context)
  if ('end' in wanted) return wanted
  const { tokens, unpaid, gas, ...terms } = wanted
  let shortage: GasShortage | undefined
  const lacksGas = (held: readonly Reservation[]) => (shortage = gasShortage(gas, held, terms))?.why
  const limits = { tokens, unpaid, slots: capacity?.()?.slots, lacksGas }
  const taken = await reservations.reserveWithin({ ...slot, ...terms }, limits)
  if (shortage !== undefined) return { end: 'declined', ...shortage }
  if (taken === 'prover full') return proverFull(context) ?? { end: 'declined', why: taken }
  return typeof taken === 'string' ? { end: 'declined', why: taken, wanted: terms } : taken
}

interface Purse {
  readonly gas: GasLook
  /** What our account holds. */
  readonly tokens: bigint
  /** Of our slots, those whose stake that may still hold. */
  readonly unpaid: ReadonlySet<ReservationId>
}

interface Wanted extends SlotWanted, Purse {
  readonly proofProbability: bigint
}

/** Of what is held and under way already, one slot more would be too many to prove in time. */
function proverFull({ reservations, capacity }: SaleContext): SaleOutcome | undefined {
  const [held, limit] = [reservations.countHeld(), capacity?.()]
  if (limit === undefined || held < limit.slots) return undefined
  return { end: 'declined', why: 'prover full', told: tellFull(held, limit) }
}

/** Asked before anything is taken: what is given back again wakes every slot that waits for room. */
async function whatIsWanted(context: SaleContext): Promise<Wanted | SaleOutcome> {
  const { market, reservations, slot, id, signal, log } = context
  // Every change of our terms looks at all open requests again: what cannot match is not worth a question to the chain.
  const told = context.offered?.(slot.requestId)
  if (told !== undefined && reservations.find(told) === undefined)
    return { end: 'declined', why: 'no availability', wanted: told }
  try {
    const request = await market.request(slot.requestId, { signal })
    const requestEnd = await market.requestEnd(slot.requestId, { signal })
    if (request !== undefined) context.knowClient?.(slot.requestId, request.client)
    // An endpoint that is a block behind the one that told of it.
    if (request === undefined || requestEnd === undefined) return { end: 'declined', why: 'no answer' }
    const { ask } = request
    if (BigInt(slot.slotIndex) >= ask.slots) return { end: 'declined', why: 'bad terms' }
    // Before any further question: what does not match is most of what comes.
    const wanted = { ...ask, requestEnd }
    if (reservations.find(wanted) === undefined) return { end: 'declined', why: 'no availability', wanted }
    const full = proverFull(context)
    if (full !== undefined) return full
    const state = await market.slotState(id, { signal })
    if (state !== 'Free' && state !== 'Repair') return { end: 'declined', why: 'slot not free' }
    if (!(await market.canReserveSlot(slot, { signal })) && !(await market.hasReservedSlot(slot, { signal })))
      return { end: 'declined', why: 'reservations full' }
    return { ...wanted, ...(await lookAtPurse(context)) }
  } catch (error) {
    signal.throwIfAborted()
    log.warn('a slot could not be looked at: the chain gave no answer', { ...slot, error })
    return { end: 'declined', why: 'no answer' }
  }
}

async function lookAtPurse({ market, reservations, clock, signal }: SaleContext): Promise<Purse> {
  const unpaid = reservations.unpaid()
  const tokens = await market.tokenBalance({ signal })
  const coinsWei = await market.coinBalance({ signal })
  const gasPriceWei = await market.gasPrice({ signal })
  const { host, terms } = market
  const gas = { host, now: clock.now(), coinsWei, gasPriceWei, spending: market.spending(), proofs: terms.proofs }
  return { unpaid, tokens, gas }
}

/**
 * What was taken before the node was started anew goes on when new slots may be taken, and where it can still be carried: it put nothing at stake
 * yet. @returns how it ended, if it did
 */
async function mayNotGoOn(context: SaleContext, reservation: Reservation): Promise<SaleOutcome | undefined> {
  const { market, slot, mayGoOn, signal } = context
  await mayGoOn?.({ signal })
  const ask = async () => (await insist(context, () => market.request(slot.requestId, { signal })))?.ask
  const isUnknown = async () => (await ask()) === undefined
  // A reorganisation brings it again, and an endpoint that lags comes to it.
  if ((await isUnknown()) && (await isConfirmed(context, isUnknown))) return { end: 'declined', why: 'no answer' }
  const proofProbability = (await ask())?.proofProbability ?? 1n
  let lack = await lackFor(context, reservation, proofProbability)
  // Between a fill that takes tokens and the note that it did they seem to be short. All that has come of the slot would go.
  const lasts = async () => (lack = await lackFor(context, reservation, proofProbability)) !== undefined
  return lack !== undefined && (await isConfirmed(context, lasts)) ? lack : undefined
}

/** What a slot of an earlier run cannot be carried for, beside what is filled, and those of its kind that come before it. */
async function lackFor(
  context: SaleContext,
  reservation: Reservation,
  proofProbability: bigint,
): Promise<Declined | undefined> {
  const { reservations, capacity } = context
  const { tokens, unpaid, gas } = await insist(context, () => lookAtPurse(context))
  const before = reservations
    .reservations()
    .filter(({ id, fill }) => id !== reservation.id && (fill !== undefined || id < reservation.id))
  const limit = capacity?.()
  if (limit !== undefined && before.length >= limit.slots)
    return { end: 'declined', why: 'prover full', told: tellFull(before.length, limit) }
  if (promisedTokens([...before, reservation], unpaid) > tokens) return { end: 'declined', why: 'too few tokens' }
  const shortage = gasShortage(gas, before, { proofProbability, requestEnd: reservation.validUntil })
  return shortage && { end: 'declined', ...shortage }
}

/** Downloads the slot unless it is here, and proves it, for as long as it can still become ours. */
async function* untilProven(
  context: SaleContext,
  reservation: Reservation,
  { isSent, isResumed }: Fill,
): AsyncGenerator<SalePhase, SaleOutcome | Groth16Proof, void> {
  const watch = new FillWatch(context)
  const watched: SaleContext = { ...context, signal: watch.signal }
  try {
    const declined = isSent ? undefined : yield* download(watched, reservation, isResumed)
    if (declined !== undefined) return declined
    yield { at: 'initial proving' }
    return await initialProof(watched)
  } catch (error) {
    context.signal.throwIfAborted()
    if (watch.outcome !== undefined) return watch.outcome
    throw error
  } finally {
    await watch.end()
  }
}

/** Looks whether its data can be had, reserves the slot on chain, then brings the data here. @returns how it ended, if it did */
async function* download(
  context: SaleContext,
  reservation: Reservation,
  isResumed: boolean,
): AsyncGenerator<SalePhase, SaleOutcome | undefined, void> {
  const { market, slot, id, signal } = context
  yield { at: 'reserving', reservation }
  const given = isResumed ? await mayNotGoOn(context, reservation) : undefined
  if (given !== undefined) return given
  const content = await slotContent(context)
  const isRepair = (await insist(context, () => market.slotState(id, { signal }))) === 'Repair'
  const isStarted = (await insist(context, () => market.requestState(slot.requestId, { signal }))) === 'Started'
  const expiry = await insist(context, () => market.requestExpiry(slot.requestId, { signal }))
  const { slotBytes: totalBytes, validUntil } = reservation
  // A slot may be lost, and in repair, before its request has started: that is still cancelled at its expiry.
  const order = { totalBytes, deadline: isStarted ? validUntil : (expiry ?? validUntil) }
  const last = lastToProve(context, order.deadline)
  // A place on chain costs gas, and so does a fill that cannot be in time.
  const late = tooLate(context, order.deadline, last)
  if (late !== undefined) return late
  const lost = await look(context, content, order)
  if (lost !== undefined) return lost
  const left = tooLate(context, order.deadline, last) ?? (await reserve(context, last))
  if (left !== undefined) return left

  yield { at: 'downloading', doneBytes: 0, totalBytes }
  const pace = new DownloadPace(context, order)
  // To the end from the beginning: who is down from the fill until after the request's expiry must not lose what it has to prove. A sale that ends
  // earlier takes its data with it.
  const options = { reservation, expiry: validUntil, isRepair, signal: pace.signal }
  try {
    for await (const doneBytes of context.work.fetch(content, options)) {
      pace.note(doneBytes)
      yield { at: 'downloading', doneBytes, totalBytes }
    }
    return undefined
  } catch (error) {
    signal.throwIfAborted()
    const lack = lackOf(error)
    return lack === undefined ? pace.outcomeOf(error) : noData(lack)
  } finally {
    await pace.end()
  }
}

/** A place on chain costs gas: not for a client that does not even give the manifest. @returns how it ended, if it did */
async function look(
  context: SaleContext,
  content: SlotContent,
  order: DownloadPaceOrder,
): Promise<SaleOutcome | undefined> {
  const { market, slot, signal } = context
  const pace = new DownloadPace(context, order)
  try {
    await context.work.look(content, { signal: pace.signal })
    return undefined
  } catch (error) {
    if (CodexError.is(error, 'sale/no-manifest-room')) return { end: 'declined', why: 'no room', told: error.message }
    signal.throwIfAborted()
    const lack = lackOf(error)
    const slow = lack === undefined ? pace.outcomeOf(error) : undefined
    // A client that gave it before, or an earlier look that came so far: the place is paid for.
    if (await insist(context, () => market.hasReservedSlot(slot, { signal }))) return noData(lack ?? slow?.told ?? '')
    if (slow === undefined) throw error
    return slow
  } finally {
    await pace.end()
  }
}

function tooLate({ clock }: SaleContext, deadline: Seconds, last: Seconds): SaleOutcome | undefined {
  const now = clock.now()
  if (now <= last) return undefined
  const told = `too late: it has to be filled within ${Math.max(0, Math.floor(deadline - now))} s, and can be proven from the next period on`
  return { end: 'declined', why: 'too late', told }
}

/**
 * Makes one of the reservations on chain ours. One that an earlier run or an earlier try made still counts: it cannot be made again.
 * @param validUntil as of {@link lastToProve} @returns how it ended, if it did
 */
async function reserve(
  { market, slot, signal, clock }: SaleContext,
  validUntil: Seconds,
): Promise<SaleOutcome | undefined> {
  if (await market.canReserveSlot(slot, { signal })) {
    const reserved = await market.reserveSlot(slot, { signal, validUntil })
    if (reserved.done) return undefined
    if (reserved.why === 'withdrawn')
      return { end: 'declined', why: clock.now() > validUntil ? 'too late' : 'no answer', told: reserved.sentence }
  }
  if (await market.hasReservedSlot(slot, { signal })) return undefined
  return { end: 'declined', why: 'reservations full' }
}

function asCodexError(error: unknown): CodexError {
  if (CodexError.is(error)) return error
  return new CodexError('sale/unexpected', 'a sale ended for a reason nobody foresaw: see the cause', { cause: error })
}
