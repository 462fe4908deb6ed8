// The terms on which this tab sells, folded away until somebody wants to change them.

import { formatBytes } from '../src/lib/format.ts'
import { formatAmount, perGibMonth } from './amounts.ts'
import type { Availability, Seller } from './seller.ts'
import { TermsForm } from './termsform.tsx'

interface Part {
  readonly seller: Seller
  readonly availability: Availability | undefined
}

export function AvailabilityEditor({ seller, availability }: Part) {
  const {
    totalSize = 0,
    minPricePerBytePerSecond = 1n,
    totalCollateral = 0n,
  }: Partial<NonNullable<Part['availability']>> = availability ?? {}
  return (
    <details class="fact">
      <summary>
        Terms: {formatBytes(totalSize)} at {formatAmount(perGibMonth(minPricePerBytePerSecond))} per GiB and month at
        least
      </summary>
      <TermsForm
        terms={{ totalSize, minPricePerBytePerSecond, totalCollateral }}
        act="Sell on these terms"
        submit={(terms) => seller.change(terms)}
      />
    </details>
  )
}
