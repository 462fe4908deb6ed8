// What a provider in this tab needs to begin: where the chain and its peers are, the key, the circuit, the first terms. Made by the demo, or by a person in three steps.

import type { TabNode, TabRoles } from '../src/browser.ts'
import type { Bytes } from '../src/lib/units.ts'
import type { CircuitFiles } from './circuitbeside.ts'
import type { DemoOffer } from './demooffer.ts'

/** What the editor changes. */
export interface Terms {
  readonly totalSize: Bytes
  readonly minPricePerBytePerSecond: bigint
  readonly totalCollateral: bigint
}

export interface SellPlan {
  readonly place: Pick<TabRoles, 'ethProvider' | 'marketplace' | 'bootstrap' | 'circuitShape' | 'rewardRecipient'>
  readonly key: (node: TabNode) => Promise<NonNullable<TabRoles['key']>>
  readonly circuit: (signal: AbortSignal) => Promise<CircuitFiles>
  /** Taken where nothing is offered yet; less where this browser has not so much room. */
  readonly terms: Terms
  /** Undefined on a real network. */
  readonly demo: DemoOffer | undefined
  /** Called when it sells: after a reload its slots go on needing proofs. */
  readonly note: () => void
}
