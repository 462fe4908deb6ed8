// The terms on which a provider sells, folded away until somebody wants to change them or to offer more on others: of this tab, or of the node that serves this page.

import { useSignal } from '@preact/signals'

import { formatBytes, formatDuration } from '../src/lib/format.ts'
import { formatAmount } from '../src/lib/formatamount.ts'
import type { Seconds } from '../src/lib/units.ts'
import { perGibMonth } from './amounts.ts'
import type { Terms } from './sellplan.ts'
import { Suggested } from './suggested.tsx'
import type { Suggestion } from './suggestedterms.ts'
import { TermsForm } from './termsform.tsx'

interface Offered extends Terms {
  readonly id: string
  readonly enabled: boolean
  /** Chain time by which every request must have ended; 0 for any. */
  readonly until: Seconds
}

interface Part {
  readonly offered: readonly Offered[]
  /** Shown at first for what is offered anew. */
  readonly suggested: Suggestion
  /** Called when somebody begins to name terms: what they are suggested from may be hours old. */
  readonly ask?: () => void
  /** @param id of what is changed; undefined where more is offered. Settles with what came of it, for the person; rejects with why not. */
  readonly change: (terms: Terms, id: string | undefined) => Promise<string>
}

export function AvailabilityEditor({ offered, suggested, ask, change }: Part) {
  const offer = (terms: Terms): Promise<string> => change(terms, undefined)
  if (offered.length === 0)
    return (
      <details class="fact" data-testid="terms" open>
        <summary>Terms: nothing is offered yet</summary>
        <Suggested from={suggested.from} />
        <TermsForm terms={suggested.terms} act="Offer this" submit={offer} />
      </details>
    )
  return (
    <>
      {offered.map((each) => (
        <details class="fact" data-testid="terms" key={each.id}>
          <summary>{tellTerms(each)}</summary>
          <TermsForm terms={each} act="Sell on these terms" submit={(terms) => change(terms, each.id)} />
        </details>
      ))}
      <MoreSpace suggested={suggested} ask={ask} offer={offer} />
    </>
  )
}

function tellTerms({ totalSize, minPricePerBytePerSecond, duration, enabled, until }: Offered): string {
  const price = `${formatAmount(perGibMonth(minPricePerBytePerSecond))} per GiB and month at least`
  const end =
    until === 0
      ? ''
      : `, until ${new Date(until * 1000).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short' })}`
  const stance = enabled ? '' : '; takes no new slots'
  return `Terms: ${formatBytes(totalSize)} at ${price}, for ${formatDuration(duration)} at most${end}${stance}`
}

function MoreSpace({
  suggested,
  ask,
  offer,
}: Pick<Part, 'suggested'> & {
  readonly ask: Part['ask'] | undefined
  readonly offer: (terms: Terms) => Promise<string>
}) {
  const isOpen = useSignal(false)
  return (
    <details
      class="fact"
      data-testid="more-terms"
      onToggle={(event) => {
        isOpen.value = event.currentTarget.open
        if (isOpen.value) ask?.()
      }}
    >
      <summary>Offer more space, on other terms</summary>
      {isOpen.value && (
        <>
          <Suggested from={suggested.from} />
          <TermsForm terms={suggested.terms} act="Offer this too" submit={offer} />
        </>
      )}
    </details>
  )
}
