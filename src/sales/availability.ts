// An Availability: how much space and collateral a provider sells, and on which terms. Pure rules; where it is kept, and who takes from it,
// is in reservations.ts.

import { formatBytes, formatDuration, formatInstant, formatSizes } from '../lib/format.ts'
import { formatAmount } from '../lib/formatamount.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { StorageAsk } from '../protocol/request.ts'

declare const BRAND: unique symbol

/** `0x` and lower-case hex digits of 32 random bytes. */
export type AvailabilityId = `0x${string}` & { readonly [BRAND]: 'AvailabilityId' }

/** What its owner says. */
export interface AvailabilityTerms {
  readonly totalSize: Bytes
  /** The longest request to be taken. */
  readonly duration: Seconds
  /** In token base units. */
  readonly minPricePerBytePerSecond: bigint
  /** In token base units: what may be at stake at one time. */
  readonly totalCollateral: bigint
  /** A disabled one takes no further requests. */
  readonly enabled: boolean
  /** The instant by which every request must have ended; 0 is no limit. */
  readonly until: Seconds
}

export interface Availability extends AvailabilityTerms {
  readonly id: AvailabilityId
  /** `totalSize` less the slots taken. */
  readonly freeSize: Bytes
  /** `totalCollateral` less what is committed to slots. */
  readonly totalRemainingCollateral: bigint
}

/** What of a request decides whether it fits. */
export interface SlotWanted extends Pick<
  StorageAsk,
  'slotSize' | 'duration' | 'pricePerBytePerSecond' | 'collateralPerByte'
> {
  /** When the request ends if it starts, in chain seconds. */
  readonly requestEnd: Seconds
  /** As the request has it; silent where it is not known. */
  readonly proofProbability?: bigint | undefined
}

export interface MatchRule {
  readonly name: 'terms' | 'enabled' | 'size' | 'duration' | 'price' | 'collateral' | 'until'
  readonly holds: (availability: Availability, wanted: SlotWanted) => boolean
  /** For people, where it does not hold. */
  readonly tell: (availability: Availability, wanted: SlotWanted) => string
}

/** All must hold (marketplace reference §6.6). In the order in which they are told. */
export const MATCH_RULES: readonly MatchRule[] = [
  {
    name: 'terms',
    holds: (_, wanted) => makesSense(wanted),
    tell: (_, { slotSize, duration, requestEnd, proofProbability }) =>
      canBeDrawn(proofProbability)
        ? `a slot of ${formatBytes(Number(slotSize))} for ${formatDuration(Number(duration))} until ${formatInstant(requestEnd)} makes no sense`
        : 'its proof probability is so large that the contract cannot compute with it',
  },
  { name: 'enabled', holds: ({ enabled }) => enabled, tell: () => 'the availability is disabled' },
  {
    name: 'size',
    holds: ({ freeSize }, { slotSize }) => slotSize <= freeSize,
    tell: ({ freeSize }, { slotSize }) => {
      const [taken, free] = formatSizes(Number(slotSize), freeSize)
      return `the slot takes ${taken}, ${free} are free`
    },
  },
  {
    name: 'duration',
    holds: (availability, { duration }) => duration <= availability.duration,
    tell: (availability, { duration }) =>
      `the request lasts ${formatDuration(Number(duration))}, at most ${formatDuration(availability.duration)} are taken`,
  },
  {
    name: 'price',
    holds: ({ minPricePerBytePerSecond }, { pricePerBytePerSecond }) =>
      pricePerBytePerSecond >= minPricePerBytePerSecond,
    tell: ({ minPricePerBytePerSecond }, { pricePerBytePerSecond }) =>
      `it pays ${formatAmount(pricePerBytePerSecond)} per byte and second, at least ${formatAmount(minPricePerBytePerSecond)} is asked`,
  },
  {
    name: 'collateral',
    holds: (availability, { collateralPerByte }) => collateralPerByte <= maxCollateralPerByte(availability),
    tell: (availability, { collateralPerByte }) =>
      `it wants a collateral of ${formatAmount(collateralPerByte)} per byte, at most ${formatAmount(maxCollateralPerByte(availability))} remains`,
  },
  {
    name: 'until',
    holds: ({ until }, { requestEnd }) => until === 0 || until >= requestEnd,
    tell: ({ until }, { requestEnd }) =>
      `it ends at ${formatInstant(requestEnd)}, everything must end by ${formatInstant(until)}`,
  },
]

export function matches(availability: Availability, wanted: SlotWanted): boolean {
  return MATCH_RULES.every(({ holds }) => holds(availability, wanted))
}

/** Why it does not match, rule by rule; empty when it does. */
export function mismatches(availability: Availability, wanted: SlotWanted): MatchRule[] {
  return MATCH_RULES.filter(({ holds }) => !holds(availability, wanted))
}

/** Whether the numbers are those of a request at all: the chain lets a slot of no bytes pass, and an endpoint may say anything. */
export function makesSense({ slotSize, duration, requestEnd, proofProbability }: SlotWanted): boolean {
  const isTimed = duration > 0n && Number.isSafeInteger(requestEnd) && requestEnd >= 0
  return slotSize > 0n && isTimed && canBeDrawn(proofProbability)
}

/** The contract multiplies it by 256 at most, in words of 256 bits: beyond them each question whether a proof is due fails. */
function canBeDrawn(proofProbability = 1n): boolean {
  return proofProbability >> 248n === 0n
}

/** The most a byte may cost in collateral, so that what remains lasts for all the free space. */
export function maxCollateralPerByte({ totalRemainingCollateral, freeSize }: CollateralAndSpace): bigint {
  return freeSize === 0 ? totalRemainingCollateral : totalRemainingCollateral / BigInt(freeSize)
}

type CollateralAndSpace = Pick<Availability, 'totalRemainingCollateral' | 'freeSize'>

/**
 * Whether `after` may match something that `before` did not. Less free space counts too, where it leaves more collateral for each byte.
 * @param before undefined when there was none
 */
export function isLoosened(before: Availability | undefined, after: Availability | undefined): boolean {
  if (after === undefined || !after.enabled) return false
  if (before === undefined || !before.enabled) return true
  return (
    after.freeSize > before.freeSize ||
    after.duration > before.duration ||
    after.minPricePerBytePerSecond < before.minPricePerBytePerSecond ||
    maxCollateralPerByte(after) > maxCollateralPerByte(before) ||
    lastEnd(after) > lastEnd(before)
  )
}

/** The latest end a request may have. */
export function lastEnd({ until }: Pick<Availability, 'until'>): Seconds {
  return until === 0 ? Number.MAX_SAFE_INTEGER : until
}
