// The duty of one period: the slot is proven in time, or the period is over. Which period it is, the chain says: a clock may be wrong.

import { CodexError } from '../lib/errors.ts'
import { RETRY_SECONDS } from '../lib/insist.ts'
import type { Seconds } from '../lib/units.ts'
import type { SlotState } from '../market/chainstates.ts'
import { type Groth16Proof, NO_PROOF } from '../market/groth16proof.ts'
import type { SubmitOutcome } from '../market/market.ts'
import type { Period } from '../market/periodicity.ts'
import { Periodicity } from '../market/periodicity.ts'
import { revertName } from '../market/reverts.ts'
import type { SaleContext } from './salecontext.ts'
import type { SlotContent } from './slotwork.ts'

/** Of a sale since it was taken up. */
export interface ProofCount {
  proven: number
  /** Those before it was taken up included, as far as the chain has marked them. */
  missed: number
  /** Periods that asked for a proof. */
  due: number
  /** The latest period that is dealt with, whatever came of it; -1 before the first. */
  last: Period
}

/** `over`: the period, which `count.last` names, needs nothing more. */
export type PeriodEnd = 'over' | { readonly state: SlotState }

/**
 * Until the proof is in the chain, none is due, or the period is over.
 * @param period the clock's. The chain may still be in an earlier one, which is proven then unless it is dealt with: the clock was pushed ahead
 */
export async function provePeriod(
  context: SaleContext,
  content: SlotContent,
  period: Period,
  count: ProofCount,
): Promise<PeriodEnd> {
  const { market, clock, id, log, wait, signal } = context
  const end = new Periodicity(market.terms.proofs.period).endOf(period)
  /** The period whose proof is due. */
  let due: Period | undefined
  let isSeen = false
  const kept: Kept = { made: undefined }
  const over = (dealtWith: Period): PeriodEnd => {
    count.last = dealtWith
    return 'over'
  }
  while (clock.now() < end) {
    try {
      const [found] = await market.slotDuties([id], { signal })
      if (found === undefined || found.state !== 'Filled') return { state: found?.state ?? 'Free' }
      if (found.problem !== undefined) throw found.problem
      isSeen ||= found.period >= period
      if (found.period > (due ?? period)) break
      // Otherwise the chain has not come into a new period yet.
      if (found.period > count.last) {
        if (found.duty === undefined) {
          due = undefined
          const around = await comesAround(context, found.pointer, end)
          if (around === undefined) return over(found.period)
          await wait.atMost(around - clock.now())
          continue
        }
        if (due === undefined) count.due++
        due = found.period
        const around = await comesAroundSoon(context, found.duty.pointer, end)
        if (around !== undefined) {
          await wait.atMost(around)
          continue
        }
        const outcome = await proveDuty(context, content, kept, {
          period: due,
          challenge: found.duty.challenge,
          nth: count.due,
        })
        if (outcome === 'failed on purpose') break
        if (outcome === 'challenge changed') {
          log.info('the pointer of a slot came around while it was proven: what it asks for now is looked at', {
            slotId: id,
            period: due,
          })
          continue
        }
        if (outcome.done || outcome.why === 'already submitted') {
          count.proven++
          return over(due)
        }
        log.warn('a proof was not taken', { slotId: id, period: due, why: outcome.why })
        if (outcome.why === 'period over') break
        if (outcome.why === 'not our slot') return { state: 'Filled' }
      }
    } catch (error) {
      signal.throwIfAborted()
      context.troubled?.(id, error)
      log.error('a proof failed; trying again while its period lasts', { slotId: id, period: due ?? period, error })
    }
    if (clock.now() < end) await wait.atMost(Math.min(RETRY_SECONDS, end - clock.now()))
  }
  if (due === undefined) {
    // Whether it asked for a proof is not known: what the chain marks is counted.
    if (!isSeen)
      log.error('a period ended in which the chain was not seen: its proof may be missed', { slotId: id, period })
    return over(period)
  }
  count.missed++
  log.error('a proof was missed: collateral will be lost', { slotId: id, period: due })
  return over(due)
}

/** The pointer goes from 0 to 255 and around. */
const POINTERS = 256
/** Before it comes around no proof is begun: it would be made for a challenge that is gone when it arrives. */
const LAST_SECONDS: Seconds = 10
const LAST_POINTERS = 32
/** How much faster blocks may come than of late. */
const HASTE = 0.9

/**
 * When the pointer of a slot that owes nothing comes around, and with it another challenge, which may ask for a proof after all: in a later block of
 * the period, or in one in which a validator marks it (marketplace reference §3.9, §3.10). Undefined where nothing can come of it: the downtime
 * outlasts all of these blocks.
 */
async function comesAround(
  { market, clock, signal }: SaleContext,
  pointer: number | undefined,
  end: Seconds,
): Promise<Seconds | undefined> {
  if (pointer === undefined) return undefined
  const { timeout, downtime } = market.terms.proofs
  const interval = await market.blockInterval({ signal })
  const now = clock.now()
  const awakeAt = now + (POINTERS - pointer + downtime) * interval * HASTE
  const around = now + Math.max(1, (POINTERS - pointer) * interval)
  return interval > 0 && awakeAt < end + timeout && around < end ? around : undefined
}

/**
 * How long it takes until the challenge of a slot that owes a proof changes, where a proof would not be in the chain before. Undefined where it would, and
 * in the second half of the period: blocks may come later than they should, and the proof that is due until then must not.
 */
async function comesAroundSoon(
  { market, clock, signal }: SaleContext,
  pointer: number,
  end: Seconds,
): Promise<Seconds | undefined> {
  const left = POINTERS - pointer
  if (left > LAST_POINTERS || end - clock.now() < market.terms.proofs.period / 2) return undefined
  const seconds = left * (await market.blockInterval({ signal }))
  return left <= 2 || seconds <= LAST_SECONDS ? Math.min(Math.max(1, seconds), end - clock.now()) : undefined
}

/** One for all, because an error remembers where it was made, which costs. */
const OVER = new CodexError('sale/proof-over', 'this proof is made, or given up')

/** A proof stays right while its challenge is asked for: one that could not be sent is sent again, for the prover may have others to make meanwhile. */
interface Kept {
  made: { readonly challenge: string; readonly proof: Groth16Proof; refusals: number } | undefined
}

/** An endpoint that is a block behind may refuse a proof once that is right; then another one is made. */
const MAX_REFUSALS = 2

interface Duty {
  readonly period: Period
  readonly challenge: string
  /** Of all that were due. */
  readonly nth: number
}

async function proveDuty(
  context: SaleContext,
  content: SlotContent,
  kept: Kept,
  { period, challenge, nth }: Duty,
): Promise<SubmitOutcome | 'failed on purpose' | 'challenge changed'> {
  const { market, clock, work, id, signal, beside, failEveryProofs = 0 } = context
  if (failEveryProofs > 0 && nth % failEveryProofs === 0) return submitNoProof(context, period)
  const deadline = new AbortController()
  const either = AbortSignal.any([signal, deadline.signal])
  clock.until(deadlineOf(context, period), { signal: either }).then(
    () => deadline.abort(),
    () => undefined,
  )
  try {
    if (kept.made?.challenge !== challenge) {
      const proof = await work.prove(content, challenge, { signal: either, rank: 'duty', beside })
      kept.made = { challenge, proof, refusals: 0 }
    }
    const { made } = kept
    try {
      return await market.submitProof(id, period, made.proof, { signal: either })
    } catch (error) {
      if (revertName(error) !== 'Proofs_InvalidProof') throw error
      if (++made.refusals === MAX_REFUSALS) kept.made = undefined
      if ((await market.challenge(id, { signal: either })).challenge === challenge) throw error
      kept.made = undefined
      return 'challenge changed'
    }
  } finally {
    deadline.abort(OVER)
  }
}

/** The end of the period: a proof that comes later is worth nothing, and the next one needs the machine. Where the clock says that it is over and the chain that it is not, half a period. */
function deadlineOf({ market, clock }: SaleContext, period: Period): Seconds {
  const periods = new Periodicity(market.terms.proofs.period)
  const [now, end] = [clock.now(), periods.endOf(period)]
  return now < end ? end : now + periods.seconds / 2
}

/** What a host sends that has lost its data: marketplace reference §6.3, for tests. The contract refuses it. */
async function submitNoProof(
  { market, id, log, signal }: SaleContext,
  period: Period,
): Promise<SubmitOutcome | 'failed on purpose'> {
  log.warn('a proof of zeros is sent on purpose, as the settings say', { slotId: id, period })
  try {
    return await market.submitProof(id, period, NO_PROOF, { signal })
  } catch (error) {
    signal.throwIfAborted()
    if (revertName(error) !== 'Proofs_InvalidProof')
      log.warn('the proof of zeros failed for another reason than being wrong', { slotId: id, period, error })
    return 'failed on purpose'
  }
}
