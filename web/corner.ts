// What the client's corner is drawn from, and the one thing it does. A tab's own node stands behind it, or one that answers over REST.

import type { Seconds } from '../src/lib/units.ts'
import type { PlainSize } from '../src/protocol/purchasequote.ts'
import type { BoughtRow } from './purchasewatch.ts'

/** A file in the node's store, before it is protected. */
export interface OwnFile {
  readonly cid: string
  readonly name: string
  readonly manifest: PlainSize
}

/** As a person asked for it; amounts in token base units. */
export interface Wanted {
  readonly duration: Seconds
  readonly expiry: Seconds
  readonly pricePerBytePerSecond: bigint
  readonly collateralPerByte: bigint
  readonly proofProbability: bigint
  /** Slots in all, and how many of them may be lost. */
  readonly nodes: number
  readonly tolerance: number
}

export interface Corner {
  readonly files: readonly OwnFile[]
  /** CID of the file that was stored last in this page: who drops one wants to buy for it. */
  readonly newest: string | undefined
  /** The latest first. */
  readonly bought: readonly BoughtRow[]
  /** The chain's. */
  readonly time: Seconds
  /** Of the key; undefined where it could not be asked. */
  readonly tokens: bigint | undefined
  /** Its terms are those of minutes. */
  readonly isDemo: boolean
  /** @param tell hears how far it is @returns the request's id. Rejects with what a person can mend */
  readonly buy: (file: OwnFile, wanted: Wanted, tell: (words: string) => void) => Promise<string>
}
