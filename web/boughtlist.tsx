// What was bought, and what became of it: by this tab, or by the node that serves this page.

import { formatCount, formatDuration } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import type { Seconds } from '../src/lib/units.ts'
import { withoutReverts } from './explain.ts'
import type { BoughtRow } from './purchasewatch.ts'

const STATE_WORDS: Readonly<Record<BoughtRow['state'], string>> = {
  unknown: 'Looking',
  pending: 'On its way to the chain',
  submitted: 'Waiting for providers',
  started: 'Kept',
  finished: 'Over, all was kept',
  cancelled: 'Not placed in time; the money is back',
  failed: 'Lost',
  errored: 'Failed',
}

export function BoughtList({ rows, now }: { readonly rows: readonly BoughtRow[]; readonly now: Seconds }) {
  if (rows.length === 0) return null
  return (
    <ul class="files" data-testid="bought">
      {rows.map(({ requestId, state, problem, filled, slots, endsAt, costWei }) => (
        <li key={requestId} data-state={state}>
          <span class="name">{STATE_WORDS[state] ?? state}</span>
          <span class="grow">
            {requestId.slice(0, 10)}…:{' '}
            {filled === undefined ? formatCount(slots, 'slot') : `${filled} of ${formatCount(slots, 'slot')}`}
            {filled !== undefined && ' with a provider'}, {formatAmount(costWei)} at most
            {problem !== undefined && `. ${withoutReverts(problem)}`}
          </span>
          {endsAt !== undefined && endsAt > now && <span class="quiet">ends in {formatDuration(endsAt - now)}</span>}
        </li>
      ))}
    </ul>
  )
}
