// The third step: space, price and collateral, and whether the browser will keep the data. Then it sells.

import { useSignal } from '@preact/signals'

import { formatBytes } from '../src/lib/format.ts'
import { MiB } from '../src/lib/units.ts'
import { TermsForm } from './termsform.tsx'
import type { Terms } from './sellplan.ts'
import type { Session } from './session.ts'

interface Parts {
  readonly session: Session
  readonly chainId: number
  readonly begin: (terms: Terms) => void
}

/** On these nothing is at stake: a browser that may forget is told of, and no hindrance (field-notes §2, Eviction). */
const LOCAL_CHAINS = new Set([1337, 31_337])
/** Of what is free: the rest is for files of one's own. */
const SHARE = 0.5
export const SUGGESTED_TERMS: Terms = {
  totalSize: 1024 * MiB,
  minPricePerBytePerSecond: 1000n,
  totalCollateral: 10n ** 18n,
}

export function TermsStep({ session, chainId, begin }: Parts) {
  const space = session.state.space.value
  const hasRisk = useSignal(false)
  if (space === undefined) return <p class="quiet">Looking at the space…</p>
  const { totalBytes, usedBytes, reservedBytes, persisted } = space
  const free = totalBytes - usedBytes - reservedBytes
  const suggested = { ...SUGGESTED_TERMS, totalSize: Math.max(MiB, Math.floor((free * SHARE) / MiB) * MiB) }
  const mayBegin = persisted || LOCAL_CHAINS.has(chainId)
  hasRisk.value = !persisted
  return (
    <div class="fact">
      <p class="quiet">
        {formatBytes(free)} are free here. Suggested is half of it; ask what others pay, or begin low and change it any
        time.
      </p>
      {hasRisk.value && (
        <div class={mayBegin ? 'banner' : 'banner bad'} role={mayBegin ? 'status' : 'alert'}>
          <p>
            The browser may delete this data when disk space runs out, and collateral would be lost with it.
            {!mayBegin && ' On this chain selling begins once the browser has agreed to keep it.'}
          </p>
          <button type="button" onClick={() => void session.askToPersist()}>
            Ask it to keep the data
          </button>
        </div>
      )}
      <TermsForm
        terms={suggested}
        act="Start selling"
        submit={async (terms) => {
          if (mayBegin) begin(terms)
          else session.say('Ask the browser to keep the data first.')
        }}
      />
    </div>
  )
}
