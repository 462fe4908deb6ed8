// Alerts: each is said once to a screen reader when it comes, and stays in sight until its cause is gone or a person has dismissed it.

import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

import { formatDuration } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import type { Seconds } from '../src/lib/units.ts'
import { withoutReverts } from './explain.ts'
import type { ViewedAlert } from './sellerview.ts'

interface Parts {
  /** The latest first. */
  readonly alerts: readonly ViewedAlert[]
  /** The chain's. */
  readonly time: Seconds
}

const SHOWN = 5
/** Their state is looked at anew each time: one that lasts is the same alert, whatever its figures and its time. */
const LASTING = /^(market\/(unreachable|wrong-chain|clock-drift|history-missing)|wallet\/low-|sales\/paused)/

function keyOf({ at, code, cause }: ViewedAlert): string {
  return LASTING.test(code) ? code : `${at} ${code} ${cause}`
}

export function AlertList({ alerts, time }: Parts) {
  const dismissed = useSignal<ReadonlySet<string>>(new Set())
  const said = useSignal('')
  const known = useRef<ReadonlySet<string>>(new Set())
  const keys = alerts.map(keyOf)
  useEffect(() => {
    const fresh = alerts.find((alert) => !known.current.has(keyOf(alert)))
    known.current = new Set(keys)
    if (fresh !== undefined) said.value = tell(fresh)
    // One that has gone and comes again is a new one.
    const still = [...dismissed.value].filter((key) => known.current.has(key))
    if (still.length < dismissed.value.size) dismissed.value = new Set(still)
  }, [keys.join('\n')])
  const shown = alerts.filter((alert) => !dismissed.value.has(keyOf(alert)))
  return (
    <>
      <p class="unseen" role="alert" data-testid="alert-said">
        {said.value}
      </p>
      {shown.length > 0 && (
        <div class="fact" data-testid="alerts">
          <h3>Alerts</h3>
          <ul class="files">
            {shown.slice(0, SHOWN).map((alert) => (
              <li key={keyOf(alert)}>
                <span class="grow">
                  {tellCause(alert)} <strong>{alert.action}.</strong>
                </span>
                <span class="quiet">{formatDuration(Math.max(0, time - alert.at))} ago</span>
                <button
                  type="button"
                  aria-label={`Dismiss: ${alert.cause}`}
                  onClick={() => (dismissed.value = new Set([...dismissed.value, keyOf(alert)]))}
                >
                  Dismiss
                </button>
              </li>
            ))}
          </ul>
          {shown.length > SHOWN && <p class="quiet">And {shown.length - SHOWN} earlier ones.</p>}
        </div>
      )}
    </>
  )
}

function tell(alert: ViewedAlert): string {
  return `${tellCause(alert)} ${alert.action}.`
}

function tellCause({ cause, atStake }: ViewedAlert): string {
  return `${withoutReverts(cause)}.${atStake === undefined ? '' : ` At stake: ${formatAmount(atStake)}.`}`
}
