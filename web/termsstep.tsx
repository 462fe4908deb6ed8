// The third step: space, price and collateral, what they are suggested from, and whether the browser will keep the data. Then it sells.

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

import { CodexError } from '../src/lib/errors.ts'
import type { Bytes } from '../src/lib/units.ts'
import { isLocalChain } from '../src/protocol/localchains.ts'
import type { Terms } from './sellplan.ts'
import type { Session } from './session.ts'
import { Suggested } from './suggested.tsx'
import { checkRoom, type MarketSight, suggestTerms } from './suggestedterms.ts'
import { TermsForm } from './termsform.tsx'

interface Parts {
  readonly session: Pick<Session, 'state' | 'closing' | 'askToPersist'>
  readonly chainId: number
  /** Asks the chain. May reject: suggestions are then made without it. */
  readonly see: (signal: AbortSignal) => Promise<MarketSight>
  readonly begin: (terms: Terms) => Promise<void> | void
  /** By terms that these take the place of. */
  readonly offeredBytes?: Bytes
}

export function TermsStep({ session, chainId, see, begin, offeredBytes = 0 }: Parts) {
  const sight = useSignal<MarketSight | undefined>(undefined)
  useEffect(() => {
    const leaving = new AbortController()
    see(AbortSignal.any([session.closing, leaving.signal]))
      .then((seen) => (sight.value = seen))
      .catch(() => undefined)
    return () => leaving.abort()
  }, [chainId])
  const space = session.state.space.value
  if (space === undefined) return <p class="quiet">Looking at the space…</p>
  const { totalBytes, usedBytes, reservedBytes, persisted } = space
  const freeBytes = Math.max(0, totalBytes - usedBytes - reservedBytes) + offeredBytes
  const mayBegin = persisted || isLocalChain(chainId)
  const { terms, from } = suggestTerms(freeBytes, sight.value)
  return (
    <div class="fact">
      <Suggested from={from} />
      {!persisted && (
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
        terms={terms}
        act="Start selling"
        submit={async (named) => {
          if (!mayBegin) throw new CodexError('page/not-kept', 'ask the browser to keep the data first')
          checkRoom(named, freeBytes)
          await begin(named)
          return undefined
        }}
      />
    </div>
  )
}
