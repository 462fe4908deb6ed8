// What the parts of a provider's card are drawn from: of a provider in this tab, in another one, or in a node that serves this page.

import type { TabNode } from '../src/browser.ts'
import type { Bytes, Seconds } from '../src/lib/units.ts'
import type { Keeping } from './keptwatch.ts'

type Provider = NonNullable<NonNullable<TabNode['trade']>['provider']>
type Report = ReturnType<Provider['list']>[number]
type Decision = ReturnType<Provider['decisions']>[number]
type Earning = Provider['earnings'][number]

export interface ViewedSlot {
  readonly slotId: string
  readonly requestId: string
  readonly slotIndex: number
  /** As `SALE_STATE_NAMES` has it. */
  readonly state: string
  /** Where a download is; undefined in other states. */
  readonly download: { readonly doneBytes: Bytes; readonly totalBytes: Bytes } | undefined
  readonly proven: number
  readonly missed: number
  /** Number of the period whose proof was the latest to get into the chain; undefined where none is known of. */
  readonly provenIn: number | undefined
  readonly why: string | undefined
  readonly collateral: bigint
  readonly slotBytes: Bytes | undefined
  /** Until when it is kept. */
  readonly until: Seconds | undefined
  /** What it pays each second; unknown until the chain has told. */
  readonly weiPerSecond: bigint | undefined
  /** Chain time of the fill; undefined while the slot is not ours on chain, to be proven or collected. */
  readonly filledAt: Seconds | undefined
}

export interface ViewedAlert {
  readonly at: Seconds
  readonly code: string
  readonly cause: string
  readonly action: string
  readonly atStake: bigint | undefined
  /** Since then its cause is over. */
  readonly over?: Seconds | undefined
}

export interface ViewedPeer {
  readonly peerId: string
  /** How it is reached, as people call it: `TCP`, `WebSocket`. */
  readonly kind: string
  readonly direction: 'inbound' | 'outbound'
  readonly receivedBytes: Bytes
  readonly sentBytes: Bytes
}

export interface SellerView {
  readonly host: string
  /** The chain's. */
  readonly time: Seconds
  readonly periodSeconds: Seconds
  /** Why the chain cannot be asked; undefined while it can. */
  readonly outOfReach: string | undefined
  readonly holds: Provider['holds']
  /** Whether the browser keeps its data; a node that is no tab always does. */
  readonly keeping: Keeping
  readonly peers: readonly ViewedPeer[]
  readonly spaceBytes: Bytes
  readonly freeCollateral: bigint
  /** Of the latest proofs. */
  readonly proofSeconds: readonly number[]
  /** Whether it proves with a key that anybody can forge proofs for. */
  readonly provesInDevelopment: boolean
  readonly slots: readonly ViewedSlot[]
  /** The latest first. */
  readonly ended: readonly ViewedSlot[]
  readonly alerts: readonly ViewedAlert[]
  readonly decisions: readonly Pick<Decision, 'at' | 'requestId' | 'slotIndex' | 'verdict' | 'reasons'>[]
  readonly earnings: readonly Pick<Earning, 'at' | 'reward' | 'lostCollateral'>[]
  /** Of all slots that ended, where `earnings` are the latest of them only. */
  readonly earningTotals?: Pick<Earning, 'reward' | 'lostCollateral'> | undefined
  /** Of the key; undefined where it could not be asked. */
  readonly tokens: bigint | undefined
  /** For gas; undefined where they could not be asked. */
  readonly coins: bigint | undefined
  readonly maxMissed: number
  readonly slashPercentage: number
}

export function holdsFilled({ view }: { readonly view: Pick<SellerView, 'slots'> }): boolean {
  return view.slots.some(({ filledAt }) => filledAt !== undefined)
}

export function totalsOf(earnings: SellerView['earnings']): Pick<Earning, 'reward' | 'lostCollateral'> {
  let [reward, lostCollateral] = [0n, 0n]
  for (const each of earnings) {
    reward += each.reward
    lostCollateral += each.lostCollateral
  }
  return { reward, lostCollateral }
}

/** Of a slot's collateral, what its missed proofs have cost, in token base units. */
export function slashedOf(
  { collateral, missed }: Pick<ViewedSlot, 'collateral' | 'missed'>,
  { slashPercentage }: Pick<SellerView, 'slashPercentage'>,
): bigint {
  const lost = (collateral * BigInt(missed) * BigInt(slashPercentage)) / 100n
  return lost < collateral ? lost : collateral
}

/** A sale of a provider in this browser. */
export function viewedSlot(report: Report, weiPerSecond: ViewedSlot['weiPerSecond']): ViewedSlot {
  const { slotId, requestId, slotIndex, state, phase, proven, missed, why, reservation } = report
  return {
    ...{ slotId, requestId, slotIndex, state, proven, missed, why, weiPerSecond },
    ...{ provenIn: report.provenIn, filledAt: report.filledAt },
    download: phase?.at === 'downloading' ? phase : undefined,
    collateral: reservation?.collateral ?? 0n,
    slotBytes: reservation?.slotBytes,
    until: reservation?.validUntil,
  }
}

const KINDS = [
  [/\/p2p-circuit/, 'relay'],
  [/\/webrtc/, 'WebRTC'],
  [/\/(?:wss|tls\/ws)/, 'WebSocket, encrypted'],
  [/\/ws/, 'WebSocket'],
  [/\/quic/, 'QUIC'],
  [/\/tcp\//, 'TCP'],
] as const

/** @param peer its `address` is a multiaddr */
export function viewedPeer({ address, ...peer }: Omit<ViewedPeer, 'kind'> & { readonly address: string }): ViewedPeer {
  const { peerId, direction, receivedBytes, sentBytes } = peer
  const kind = KINDS.find(([pattern]) => pattern.test(address))?.[1] ?? 'another way'
  return { peerId, direction, receivedBytes, sentBytes, kind }
}
