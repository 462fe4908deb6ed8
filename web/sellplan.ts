// What a provider in this tab needs to begin: where the chain and its peers are, the key, the circuit, the first terms. Made by the demo, or by a person in three steps.

import type { TabNode, TabRoles } from '../src/browser.ts'
import { formatBytes } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import type { Bytes, Seconds } from '../src/lib/units.ts'
import { perGibMonth } from './amounts.ts'
import type { CircuitFiles } from './circuitbeside.ts'
import type { DemoOffer } from './demooffer.ts'

/** What the editor changes. */
export interface Terms {
  readonly totalSize: Bytes
  readonly minPricePerBytePerSecond: bigint
  readonly totalCollateral: bigint
  /** Longest time that a slot is kept for. */
  readonly duration: Seconds
}

export interface SellPlan {
  readonly place: Pick<TabRoles, 'ethProvider' | 'marketplace' | 'bootstrap' | 'circuitShape' | 'rewardRecipient'>
  readonly key: (node: TabNode) => Promise<NonNullable<TabRoles['key']>>
  readonly circuit: (signal: AbortSignal) => Promise<CircuitFiles>
  /** Taken where nothing is offered yet; undefined where a person is to be asked for them then. */
  readonly terms: Terms | undefined
  /** Undefined on a real network. */
  readonly demo: DemoOffer | undefined
  /** Called when it sells: after a reload its slots go on needing proofs. */
  readonly note: () => void
}

/** What is offered now, in a sentence. */
export function tellOffered({ totalSize, minPricePerBytePerSecond }: Terms): string {
  return `Offered: ${formatBytes(totalSize)} at ${formatAmount(perGibMonth(minPricePerBytePerSecond))} per GiB and month at least.`
}
