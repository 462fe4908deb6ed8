// Why a node of this tab is not in the marketplace yet, and what that may cost, in two sentences.

import { formatAmount } from '../src/lib/formatamount.ts'
import type { TabNode } from '../src/browser.ts'
import { withoutReverts } from './explain.ts'

export function tellWaiting({ problem, atStake = 0n }: NonNullable<TabNode['waiting']>): string {
  const stake = atStake === 0n ? '' : ` At stake: ${formatAmount(atStake)}.`
  return `The chain does not answer: ${withoutReverts(problem)}.${stake}`
}
