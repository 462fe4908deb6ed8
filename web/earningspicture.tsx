// What ended slots brought in over time, as a staircase: each step is a payout, losses lead down.

import { formatDuration } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import type { Seconds } from '../src/lib/units.ts'
import { type SellerView, totalsOf } from './sellerview.ts'

const WIDTH = 300
const HEIGHT = 60

interface Part {
  readonly earnings: SellerView['earnings']
  /** Of all, where `earnings` are the latest only. */
  readonly totals?: SellerView['earningTotals']
  readonly now: Seconds
}

export function EarningsPicture({ earnings, totals, now }: Part) {
  const [first] = earnings
  if (first === undefined) return null
  const shown = totalsOf(earnings)
  const all = totals ?? shown
  // What came before the first step.
  const before = all.reward - all.lostCollateral - (shown.reward - shown.lostCollateral)
  let sum = 0n
  const steps = earnings.map(({ at, reward, lostCollateral }) => ({ at, sum: (sum += reward - lostCollateral) }))
  const from = first.at - Math.max(1, Math.floor((now - first.at) / 20))
  const sums = steps.map((step) => step.sum)
  const low = sums.reduce((a, b) => (b < a ? b : a), 0n)
  const high = sums.reduce((a, b) => (b > a ? b : a), 0n)
  const x = (at: Seconds): number => (WIDTH * (at - from)) / Math.max(1, now - from)
  const y = (value: bigint): number =>
    HEIGHT - Number((BigInt(HEIGHT - 4) * (value - low) * 100n) / (high - low || 1n)) / 100 - 2
  const path = steps.map((step) => `H${x(step.at).toFixed(1)}V${y(step.sum).toFixed(1)}`).join('')
  const words = `${formatAmount(sum)} in ${formatDuration(now - from)}, from ${earnings.length === 1 ? 'one slot' : `${earnings.length} slots`}${before === 0n ? '' : `; ${formatAmount(before)} before`}`
  return (
    <figure class="fact" data-testid="earnings">
      <figcaption>Earned: {words}</figcaption>
      <svg class="stairs" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
        <path d={`M0 ${y(0n).toFixed(1)}${path}H${WIDTH}`} vector-effect="non-scaling-stroke" />
      </svg>
    </figure>
  )
}
