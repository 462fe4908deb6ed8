// How many slots a prover can carry: each asks for a proof a period at most, and proofs are made one after the other. One rule for what is taken and for
// what people are told.

import type { Seconds } from '../lib/units.ts'

/** Of a period that proving may fill: the rest is for downloads, for slow minutes, and for the unforeseen. */
export const SAFE_SHARE = 0.5
/** Proofs that say how long one takes now. */
const RECENT_PROOFS = 9

/** What a proof takes now: the median of the latest, of which the last is the newest. Undefined before the first. */
export function typicalSeconds(seconds: readonly Seconds[]): Seconds | undefined {
  const recent = seconds.slice(-RECENT_PROOFS).sort((a, b) => a - b)
  return recent[Math.floor(recent.length / 2)]
}

/** @param share of the period that proofs may take */
export function safeSlots(secondsPerProof: Seconds, periodSeconds: Seconds, share: number = SAFE_SHARE): number {
  return Math.min(Math.floor((periodSeconds * share) / secondsPerProof), Number.MAX_SAFE_INTEGER)
}
