// Whether what a storage request costs is a number that the contract can hold: it multiplies in 256 bits, and refuses what goes beyond them.

import type { Bytes, Seconds } from '../lib/units.ts'

const MAX_UINT256 = 2n ** 256n - 1n

export interface RequestCosts {
  readonly slots: number
  readonly slotBytes: Bytes
  readonly duration: Seconds
  /** In token base units. */
  readonly pricePerBytePerSecond: bigint
  /** In token base units. */
  readonly collateralPerByte: bigint
}

/** The term that makes a product too large, and the most it may be; undefined where all of them fit. */
export function excessiveTerm({
  slots,
  slotBytes,
  duration,
  pricePerBytePerSecond,
  collateralPerByte,
}: RequestCosts): { readonly term: 'pricePerBytePerSecond' | 'collateralPerByte'; readonly most: bigint } | undefined {
  const bytes = BigInt(slots) * BigInt(slotBytes)
  const mostPrice = MAX_UINT256 / (bytes * BigInt(duration))
  if (pricePerBytePerSecond > mostPrice) return { term: 'pricePerBytePerSecond', most: mostPrice }
  const mostCollateral = MAX_UINT256 / bytes
  return collateralPerByte > mostCollateral ? { term: 'collateralPerByte', most: mostCollateral } : undefined
}
