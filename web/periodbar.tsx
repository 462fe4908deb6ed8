// The running period of a slot as a bar: how much of it is gone, whether its proof is in, and when a proof has to be begun at the latest.

import type { Seconds } from '../src/lib/units.ts'

interface Part {
  /** The chain's time. */
  readonly time: Seconds
  readonly periodSeconds: Seconds
  /** What a proof takes; undefined before one was made. */
  readonly proofSeconds: Seconds | undefined
  readonly isProven: boolean
}

/** For the eye only: the words beside it say the same. */
export function PeriodBar({ time, periodSeconds: period, proofSeconds, isProven }: Part) {
  const percent = (seconds: Seconds): string =>
    `${((100 * Math.min(period, Math.max(0, seconds))) / period).toFixed(1)}%`
  return (
    <span class="period" data-proven={isProven} aria-hidden="true">
      <span class="gone" style={{ width: percent(time % period) }} />
      {proofSeconds !== undefined && (
        <span class="latest" style={{ insetInlineStart: percent(period - proofSeconds) }} />
      )}
    </span>
  )
}
