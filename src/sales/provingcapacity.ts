// What the prover can carry, in slots, as measured: what is taken beyond that cannot be proven in time. It measures nothing itself.

import type { Seconds } from '../lib/units.ts'
import { SAFE_SHARE, safeSlots, typicalSeconds } from '../protocol/safeslots.ts'
import type { ProverMeter } from './slotprover.ts'

export interface ProvingCapacity {
  /** Held and under way, at most. */
  readonly slots: number
  readonly secondsPerProof: Seconds
  readonly periodSeconds: Seconds
  /** Of the period, what proofs may take. */
  readonly share: number
}

/** Undefined before the first proof was measured. */
export function capacityOf(
  { recentSeconds }: Pick<ProverMeter, 'recentSeconds'>,
  periodSeconds: Seconds,
  share: number = SAFE_SHARE,
): ProvingCapacity | undefined {
  const secondsPerProof = typicalSeconds(recentSeconds)
  if (secondsPerProof === undefined) return undefined
  return { slots: safeSlots(secondsPerProof, periodSeconds, share), secondsPerProof, periodSeconds, share }
}

/** Why another slot is one too many. @param slots held and under way */
export function tellFull(slots: number, { secondsPerProof, periodSeconds, share }: ProvingCapacity): string {
  const seconds = ((slots + 1) * secondsPerProof).toFixed(1)
  return `the prover is full: with ${slots} slots held or under way, one more would take ${slots + 1} × ${secondsPerProof.toFixed(1)} s = ${seconds} s of each period, and ${periodSeconds * share} s of its ${periodSeconds} s is what proofs may take`
}
