// The third step: space, price and collateral, what they are suggested from, and whether the browser will keep the data. Then it sells.

import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

import { CodexError } from '../src/lib/errors.ts'
import { formatCount } from '../src/lib/format.ts'
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
  /** @param terms undefined where what is offered already stays as it is */
  readonly begin: (terms: Terms | undefined) => Promise<void> | void
  /** Already, from before. */
  readonly offered?: readonly Terms[]
}

export function TermsStep({ session, chainId, see, begin, offered = [] }: Parts) {
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
  const [running] = offered
  const freeBytes = Math.max(0, totalBytes - usedBytes - reservedBytes) + (running?.totalSize ?? 0)
  const mayBegin = persisted || isLocalChain(chainId)
  const suggested = suggestTerms(freeBytes, sight.value)
  if (offered.length > 1)
    return (
      <div class="fact">
        <p>
          {formatCount(offered.length, 'offer')} of before stand, and stay as they are; once it sells each can be
          changed.
        </p>
        <button type="button" onClick={() => void begin(undefined)}>
          Start selling
        </button>
      </div>
    )
  return (
    <div class="fact">
      {running === undefined ? (
        <Suggested from={suggested.from} />
      ) : (
        <p>
          This browser offers space on the terms below already. They stay as they are, unless you change one of them
          here.
        </p>
      )}
      {!persisted && (
        <div class={mayBegin ? 'banner' : 'banner bad'} role={mayBegin ? 'status' : 'alert'}>
          <p>
            The browser may delete this data when disk space runs out, and collateral would be lost with it.
            {!mayBegin &&
              (running === undefined
                ? ' On this chain selling begins once the browser has agreed to keep it.'
                : ' On this chain new slots and new terms are taken once the browser has agreed to keep it.')}
          </p>
          <button type="button" onClick={() => void session.askToPersist()}>
            Ask it to keep the data
          </button>
        </div>
      )}
      <TermsForm
        terms={running ?? suggested.terms}
        act="Start selling"
        submit={async (named) => {
          // What has been offered may have filled slots, which wait for their proofs: nothing keeps it from going on.
          if (running !== undefined && isSame(running, named)) {
            await begin(undefined)
            return undefined
          }
          if (!mayBegin) throw new CodexError('page/not-kept', 'ask the browser to keep the data first')
          if (named.totalSize > (running?.totalSize ?? 0)) checkRoom(named, freeBytes)
          await begin(named)
          return undefined
        }}
      />
    </div>
  )
}

function isSame(one: Terms, other: Terms): boolean {
  return (
    one.totalSize === other.totalSize &&
    one.minPricePerBytePerSecond === other.minPricePerBytePerSecond &&
    one.totalCollateral === other.totalCollateral &&
    one.duration === other.duration
  )
}
