// The contract's configuration, fixed at its deployment, as numbers we can reckon with. Read it, never assume it: deployments differ.

import type { Bytes, Seconds } from '../lib/units.ts'

/** What the marketplace was deployed with. */
export interface MarketplaceTerms {
  readonly collateral: {
    /** Discount on the collateral for filling a slot in repair. */
    readonly repairRewardPercentage: number
    /** Missed proofs at which a slot is taken from its host. */
    readonly maxNumberOfSlashes: number
    /** Of the slot's collateral, per missed proof. */
    readonly slashPercentage: number
    /** Of the slashed amount, to who reports a missed proof. */
    readonly validatorRewardPercentage: number
  }
  readonly proofs: {
    readonly period: Seconds
    /** How long after a period's end a missed proof can be reported. */
    readonly timeout: Seconds
    /** Of the 256 values of the pointer, how many ask for no proof. */
    readonly downtime: number
    readonly downtimeProduct: number
    /** SHA-256 of the archive of circuit files; only a name on chain. */
    readonly zkeyHash: string
  }
  readonly reservations: {
    /** Hosts that may reserve one slot. */
    readonly maxReservations: number
  }
  readonly requestDurationLimit: Seconds
}

/** What filling a slot takes from the host: the full amount, less the repair discount for a slot in repair. */
export function collateralToFill(
  { collateral }: Pick<MarketplaceTerms, 'collateral'>,
  slot: { readonly collateralPerByte: bigint; readonly slotSize: bigint | Bytes; readonly isRepair: boolean },
): bigint {
  const full = slot.collateralPerByte * BigInt(slot.slotSize)
  return slot.isRepair ? full - (full * BigInt(collateral.repairRewardPercentage)) / 100n : full
}
