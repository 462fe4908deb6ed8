// Filling a slot: not too late, and with the allowance that it takes.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import { slotId } from '../protocol/ids.ts'
import type { Allowance } from './allowance.ts'
import { blockInterval } from './blockinterval.ts'
import type { Connection } from './connection.ts'
import { GAS_PERCENT } from './gaspercent.ts'
import type { Groth16Proof } from './groth16proof.ts'
import type { Intent } from './intent.ts'
import type { FillOutcome, Market, Slot } from './market.ts'
import { collateralToFill } from './marketplaceterms.ts'
import { outcome } from './outcome.ts'
import { Periodicity } from './periodicity.ts'
import { revertError } from './reverts.ts'
import type { Transactor } from './transactor.ts'

export interface FillParts {
  readonly market: Pick<Market, 'terms' | 'slotState' | 'request' | 'requestState' | 'requestExpiry' | 'requestEnd'>
  readonly connection: Connection
  readonly transactor: Transactor
  readonly allowance: Allowance
  /** The chain's. */
  readonly clock: Pick<Clock, 'now'>
}

/** A slot filled in the very block of its request's expiry can never be paid (marketplace reference §3.8): at least so long before it… */
export const FILL_MARGIN_SECONDS: Seconds = 5
/** …and so many blocks, the last of which are for withdrawing a fill that did not get into the first… */
const FILL_MARGIN_BLOCKS = 3
/** …but no longer than this: on a chain made by hand blocks may lie any time apart. */
const MAX_FILL_MARGIN_SECONDS: Seconds = 120

/** As {@link Market.fillSlot}. */
export async function fillSlot(
  { market, connection, transactor, allowance, clock }: FillParts,
  slot: Slot,
  proof: Groth16Proof,
  options: AbortOptions,
): Promise<FillOutcome> {
  const { requestId, slotIndex } = slot
  const id = slotId(requestId, slotIndex)
  const intent: Intent = { verb: 'fillSlot', slotId: id, requestId, slotIndex, proof }
  const { heads } = connection
  const send = async (last?: Seconds, why: 'request over' | 'period over' = 'request over'): Promise<FillOutcome> => {
    try {
      return await outcome(transactor.send({ intent, gasPercent: GAS_PERCENT.fillSlot, validUntil: last }, options), {
        Marketplace_SlotNotFree: 'slot not free',
        Marketplace_ReservationRequired: 'reservation missing',
        Proofs_ProofAlreadySubmitted: 'proof already in this period',
        Marketplace_StartNotBeforeExpiry: 'request over',
      })
    } catch (error) {
      // Before that it made way for proofs of other slots, and may be sent again.
      const isTooLate = last !== undefined && heads.latest.timestamp > last
      if (!CodexError.is(error, 'market/withdrawn') || !isTooLate) throw error
      return { done: false, why, sentence: error.message }
    }
  }
  // Its end is the answer. The slot reads as taken already, and would by another host too.
  if (transactor.isUnderWay(intent)) return send()
  // The last look may be some seconds old.
  await heads.look(options)
  const [slotState, request, state, expiry, end, interval] = await Promise.all([
    market.slotState(id, options),
    market.request(requestId, options),
    market.requestState(requestId, options),
    market.requestExpiry(requestId, options),
    market.requestEnd(requestId, options),
    blockInterval(connection, options),
  ])
  if (request === undefined || state === undefined || expiry === undefined || end === undefined)
    throw revertError('fillSlot', '0xbdd64a7a', 'unknown request')
  // Before the allowance is raised in vain.
  if (slotState !== 'Free' && slotState !== 'Repair')
    return { done: false, why: 'slot not free', sentence: `fillSlot: the slot reads ${slotState}; take another slot` }
  const margin = fillMargin(interval)
  const last = (state === 'New' ? expiry : end) - margin
  // Whichever is later: a clock that lags must not let a slot be filled too late.
  const now = Math.max(clock.now(), heads.latest.timestamp)
  if (now > last || (state !== 'New' && state !== 'Started')) {
    const sentence = `fillSlot: the request is over, or will be within ${margin} seconds, and a slot filled too late is never paid`
    return { done: false, why: 'request over', sentence }
  }
  const { collateralPerByte, slotSize } = request.ask
  const collateral = collateralToFill(market.terms, {
    collateralPerByte,
    slotSize,
    isRepair: slotState === 'Repair',
  })
  const periods = new Periodicity(market.terms.proofs.period)
  // In a block of the next period its proof is wrong, however much is offered for it.
  const lastOfProof = periods.endOf(periods.periodOf(now)) - 1
  return allowance.during(collateral, options, () =>
    lastOfProof < last ? send(lastOfProof, 'period over') : send(last),
  )
}

function fillMargin(blockInterval: Seconds): Seconds {
  return Math.min(Math.max(FILL_MARGIN_SECONDS, FILL_MARGIN_BLOCKS * blockInterval), MAX_FILL_MARGIN_SECONDS)
}
