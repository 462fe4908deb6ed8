// An availability as the running node tells it, and as a person reads it.

import { formatBytes, formatDuration } from '../lib/format.ts'
import { instantText, priceText, tokenText } from './marketunits.ts'

export const AVAILABILITY_DOCUMENT = `id, totalSize, freeSize (bytes), duration (seconds), minPricePerBytePerSecond, totalCollateral,
totalRemainingCollateral (decimal strings of base units), enabled, until (seconds since 1970, 0 for none)`

export interface AvailabilityFacts {
  readonly id: string
  readonly totalSize: number
  readonly freeSize: number
  readonly duration: number
  readonly minPricePerBytePerSecond: string
  readonly totalCollateral: string
  readonly totalRemainingCollateral: string
  readonly enabled: boolean
  readonly until: number
}

export const AVAILABILITY_HEAD = ['ID', 'SIZE', 'FREE', 'AT MOST', 'PRICE', 'COLLATERAL', 'LEFT', 'UNTIL', '']

export function availabilityRow(availability: AvailabilityFacts): string[] {
  const { id, totalSize, freeSize, duration, minPricePerBytePerSecond, enabled, until } = availability
  return [
    id,
    formatBytes(totalSize),
    formatBytes(freeSize),
    formatDuration(duration),
    priceText(BigInt(minPricePerBytePerSecond)),
    tokenText(BigInt(availability.totalCollateral)),
    tokenText(BigInt(availability.totalRemainingCollateral)),
    until === 0 ? '' : instantText(until),
    enabled ? '' : 'disabled',
  ]
}
