// The marketplace's configuration as its constructor takes it, and the values that local chains use. Reading one from a file is
// readconfiguration.ts's.

/** Member names and units as in the contract: percentages, seconds. */
export interface MarketplaceConfiguration {
  readonly collateral: {
    readonly repairRewardPercentage: number
    readonly maxNumberOfSlashes: number
    readonly slashPercentage: number
    readonly validatorRewardPercentage: number
  }
  readonly proofs: {
    readonly period: number
    readonly timeout: number
    readonly downtime: number
    readonly downtimeProduct: number
    readonly zkeyHash: string
  }
  readonly reservations: { readonly maxReservations: number }
  readonly requestDurationLimit: number
}

const DAY_SECONDS = 86_400

/** What the deployed networks use where they have no file of their own (marketplace reference §3.11). */
export const DEFAULT_CONFIGURATION: MarketplaceConfiguration = {
  collateral: {
    repairRewardPercentage: 10,
    maxNumberOfSlashes: 2,
    slashPercentage: 20,
    validatorRewardPercentage: 20,
  },
  proofs: {
    period: 120,
    timeout: 30,
    downtime: 64,
    downtimeProduct: 67,
    zkeyHash: '65dfa139e1c6dae5f50102cca2a856b759723c6ec6029343c2c6e926b855a6ca',
  },
  reservations: { maxReservations: 3 },
  requestDurationLimit: 30 * DAY_SECONDS,
}
