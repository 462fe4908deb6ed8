// What this browser lets the origin store, and how much of it a node may pledge. It asks and computes; who pledges is browser.ts's business.

import type { Bytes } from '../../lib/units.ts'
import { GiB } from '../../lib/units.ts'

/** Of the room that nobody else uses, this share may be pledged: the estimate is coarse, and databases take more than their records. */
export const PLEDGE_SHARE = 0.8
/** Pledged at most where the browser does not say how much there is. */
export const PLEDGE_WITHOUT_ESTIMATE_BYTES: Bytes = GiB

export interface QuotaEstimate {
  /** All that this origin may store; undefined where the browser does not say. */
  readonly quotaBytes: Bytes | undefined
  /** What it stores now, rounded as the browser likes; ours is part of it. */
  readonly usageBytes: Bytes
  /** Whether the browser promised not to clear this origin's data by itself when the disk gets full. */
  readonly persisted: boolean
}

/** Never rejects: a browser that refuses to answer is one that does not say. */
export async function quotaEstimate(storage = platformStorage()): Promise<QuotaEstimate> {
  const [estimate, persisted] = await Promise.all([
    storage?.estimate().catch(() => undefined),
    storage?.persisted().catch(() => false),
  ])
  return {
    quotaBytes: wholeBytes(estimate?.quota),
    usageBytes: wholeBytes(estimate?.usage) ?? 0,
    persisted: persisted === true,
  }
}

/**
 * Asks the browser not to clear this origin's data; some ask the user. Call it from a click, in a window.
 * @returns whether it agreed, false also where it cannot be asked
 */
export async function askToPersist(storage = platformStorage()): Promise<boolean> {
  return (await storage?.persist().catch(() => false)) === true
}

/**
 * The most that may be pledged: {@link PLEDGE_SHARE} of the quota less what others of this origin use.
 * @param ownBytes what of the usage is the node's own, and so part of its pledge already
 */
export function pledgeLimit({ quotaBytes, usageBytes }: QuotaEstimate, ownBytes: Bytes): Bytes {
  if (quotaBytes === undefined) return PLEDGE_WITHOUT_ESTIMATE_BYTES
  const others = Math.max(0, usageBytes - ownBytes)
  return Math.floor(PLEDGE_SHARE * Math.max(0, quotaBytes - others))
}

/** Missing in pages that are not served securely. */
function platformStorage(): StorageManager | undefined {
  return (navigator as { readonly storage?: StorageManager }).storage
}

/** Browsers answer with doubles; what is no size is no answer. */
function wholeBytes(value: number | undefined): Bytes | undefined {
  if (value === undefined || Number.isNaN(value) || value < 0) return undefined
  return Math.min(Math.floor(value), Number.MAX_SAFE_INTEGER)
}
