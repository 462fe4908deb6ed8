// What a purchase will cost, worked out before anything is sent: the slots of a file, and what client and providers put in. It sends nothing.

import type { Bytes, Seconds } from '../lib/units.ts'
import {
  blocksCount,
  type PlainManifest,
  type ProtectedManifest,
  slotsCount,
  type VerifiableManifest,
} from './manifest.ts'

export interface Quoted {
  readonly slots: number
  /** Filled up to a power of two, as the contract has it. */
  readonly slotBytes: Bytes
  /** All that leaves the client's account, in token base units. */
  readonly price: bigint
  /** All that providers lock, in token base units. */
  readonly collateral: bigint
}

export interface QuoteTerms {
  readonly duration: Seconds
  readonly pricePerBytePerSecond: bigint
  readonly collateralPerByte: bigint
  readonly nodes?: number | undefined
  readonly tolerance?: number | undefined
}

/** As much of a plain manifest as a price depends on. */
export type PlainSize = Pick<PlainManifest, 'kind' | 'blockSize' | 'datasetSize'>

/** Undefined where the numbers make no slots; what is wrong with them the purchase says. */
export function quote(
  manifest: PlainSize | ProtectedManifest | VerifiableManifest,
  terms: QuoteTerms,
): Quoted | undefined {
  const { nodes = 3, tolerance = 1, duration, pricePerBytePerSecond, collateralPerByte } = terms
  const blocks = blocksCount(manifest)
  const isPlain = manifest.kind === 'plain'
  const slots = isPlain ? nodes : slotsCount(manifest)
  const rows = isPlain ? Math.ceil(blocks / (nodes - tolerance)) : blocks / slots
  if (isPlain && (tolerance < 1 || nodes - tolerance < Math.max(tolerance, 2))) return undefined
  if (!Number.isSafeInteger(rows) || rows < 1 || (isPlain && blocks < nodes - tolerance)) return undefined
  const slotBytes = 2 ** Math.ceil(Math.log2(rows)) * manifest.blockSize
  const allBytes = BigInt(slots) * BigInt(slotBytes)
  return {
    slots,
    slotBytes,
    price: allBytes * BigInt(duration) * pricePerBytePerSecond,
    collateral: allBytes * collateralPerByte,
  }
}
