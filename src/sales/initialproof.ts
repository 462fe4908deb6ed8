// The proof that fills a slot: made at the beginning of a period, for a challenge that stays until its end.

import { insist } from '../lib/insist.ts'
import type { Groth16Proof } from '../market/groth16proof.ts'
import { Periodicity } from '../market/periodicity.ts'
import type { SaleContext } from './salecontext.ts'
import { slotContent } from './salecontext.ts'

/** The pointer goes from 0 to 255 and around. */
const POINTERS = 256

/** @throws CodexError what the chain and the prover throw; the signal's reason */
export async function initialProof(context: SaleContext): Promise<Groth16Proof> {
  const { market, clock, work, slot, id, signal, log } = context
  const { period: seconds, downtime } = market.terms.proofs
  const periods = new Periodicity(seconds)
  const content = await slotContent(context)
  for (;;) {
    await clock.until(periods.endOf(periods.periodOf(clock.now())) + 1, { signal })
    const { challenge, pointer } = await insist(context, () => market.challenge(id, { signal }))
    // Behind this the pointer comes around within the period, and the challenge with it.
    if (pointer > POINTERS - downtime) continue
    const proof = await work.prove(content, challenge, { signal, rank: 'sale' })
    const now = await insist(context, () => market.challenge(id, { signal }))
    if (now.challenge === challenge) return proof
    // Sent, it would cost gas and be refused.
    log.warn('the period ended before the slot was proven; proving it again in the next', { ...slot })
  }
}
