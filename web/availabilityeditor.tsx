// The terms on which a provider sells, folded away until somebody wants to change them: of this tab, or of the node that serves this page.

import { formatBytes, formatDuration } from '../src/lib/format.ts'
import { formatAmount, perGibMonth } from './amounts.ts'
import type { Terms } from './sellplan.ts'
import { TermsForm } from './termsform.tsx'

interface Part {
  /** Undefined where nothing is offered yet. */
  readonly terms: Terms | undefined
  /** Shown at first where nothing is offered. */
  readonly suggested: Terms
  /** Settles with what came of it, for the person; rejects with why not. */
  readonly change: (terms: Terms) => Promise<string>
}

export function AvailabilityEditor({ terms, suggested, change }: Part) {
  return (
    <details class="fact" data-testid="terms" open={terms === undefined}>
      <summary>
        {terms === undefined
          ? 'Terms: nothing is offered yet'
          : `Terms: ${formatBytes(terms.totalSize)} at ${formatAmount(perGibMonth(terms.minPricePerBytePerSecond))} per GiB and month at least, for ${formatDuration(terms.duration)} at most`}
      </summary>
      <TermsForm
        terms={terms ?? suggested}
        act={terms === undefined ? 'Offer this' : 'Sell on these terms'}
        submit={change}
      />
    </details>
  )
}
