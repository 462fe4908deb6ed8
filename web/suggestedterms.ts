// Terms to begin with, and what each of them comes from: the room here, the tokens of the key, what clients asked for of late. It asks nobody.

import type * as BrowserRoom from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import { formatBytes, formatCount, formatDuration } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import { type Bytes, KiB, MiB, type Seconds } from '../src/lib/units.ts'
import type { Terms } from './sellplan.ts'

export type MarketSight = Awaited<ReturnType<(typeof BrowserRoom)['lookAtMarket']>>

/** Where nobody asks the chain what clients ask for, that is said instead. */
type Sight = Omit<MarketSight, 'asks'> & { readonly asks: MarketSight['asks'] | 'not asked' }

export interface Suggestion {
  readonly terms: Terms
  /** Sentences for the person who names them. */
  readonly from: readonly string[]
}

/** Stays free for manifests, which are stored beside what is set aside for slots. */
export const KEPT_BYTES: Bytes = 256 * KiB
/** Of what is free: the rest is for files of one's own. */
const SHARE = 0.5
/** Where nobody has asked for storage of late, to begin with. */
const FIRST_PRICE_WEI = 1000n
const FIRST_COLLATERAL_WEI = 10n ** 18n
const DAY: Seconds = 86_400
export const LONGEST: Seconds = 30 * DAY

/** @param sight undefined while the chain has not told */
export function suggestTerms(freeBytes: Bytes, sight: Sight | undefined): Suggestion {
  const totalSize = Math.max(MiB, Math.floor((freeBytes * SHARE) / MiB) * MiB)
  const asks = sight?.asks === 'not asked' ? [] : (sight?.asks ?? [])
  const price = middle(asks.map((ask) => ask.pricePerBytePerSecond))
  const perByte = middle(asks.map((ask) => ask.collateralPerByte))
  const longest = Math.max(...asks.map(({ duration }) => duration))
  const wanted = perByte === undefined ? FIRST_COLLATERAL_WEI : perByte * BigInt(totalSize)
  const tokens = sight?.tokens
  const isCapped = tokens !== undefined && tokens > 0n && tokens < wanted
  const terms: Terms = {
    totalSize,
    minPricePerBytePerSecond: price ?? FIRST_PRICE_WEI,
    totalCollateral: isCapped ? tokens : wanted,
    duration: asks.length === 0 ? LONGEST : Math.max(DAY, longest),
  }
  const open = asks.filter(({ isOpen }) => isOpen).length
  const typical = middle(asks.map(({ duration }) => BigInt(duration)))
  return {
    terms,
    from: [
      `Space: half of the ${formatBytes(freeBytes)} that are free here.`,
      price === undefined
        ? `Price: ${whyUnknown(sight)}, so this is only a beginning; change it any time.`
        : `Price: in the middle of what ${formatCount(asks.length, 'request')} of late pay, of which ${open} may still be filled; typically for ${formatDuration(Number(typical))}, at most for ${formatDuration(longest)}.`,
      tellCollateral(perByte, tokens, isCapped),
    ],
  }
}

function whyUnknown(sight: Sight | undefined): string {
  if (sight === undefined) return 'the chain was not asked yet'
  if (sight.asks === 'not asked') return 'this page does not ask what clients pay'
  return sight.asks === undefined
    ? 'the endpoint does not tell what clients ask for'
    : 'no client asked for storage of late'
}

function tellCollateral(perByte: bigint | undefined, tokens: bigint | undefined, isCapped: boolean): string {
  const has = tokens === undefined ? '' : tokens === 0n ? ' The key has no tokens yet: send it some.' : ''
  if (isCapped) return `Collateral: all that the key has, ${formatAmount(tokens ?? 0n)}; more slots would take more.`
  return perByte === undefined
    ? `Collateral: one token, to begin with.${has}`
    : `Collateral: what so much space takes at the usual ${formatAmount(perByte)} per byte.${has}`
}

/** Of an even number, the lower of the two. */
function middle(values: readonly bigint[]): bigint | undefined {
  return [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))[Math.floor((values.length - 1) / 2)]
}

/** The largest space that fits, in whole units so that a person can type it. */
export function largestSpace(freeBytes: Bytes): Bytes {
  const room = Math.max(0, freeBytes - KEPT_BYTES)
  return Math.floor(room / (room >= MiB ? MiB : KiB)) * (room >= MiB ? MiB : KiB)
}

/** @throws CodexError `page/no-room`, which names the largest space that fits */
export function checkRoom({ totalSize }: Pick<Terms, 'totalSize'>, freeBytes: number): void {
  const largest = largestSpace(freeBytes)
  if (totalSize <= largest) return
  throw new CodexError(
    'page/no-room',
    `space: ${formatBytes(totalSize)} are more than this node may still store; ${formatBytes(largest)} is the most that fits`,
    { detail: { wantedBytes: totalSize, largestBytes: largest } },
  )
}
