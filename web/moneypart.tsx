// What the node key has, and where to send it more: folded away until somebody wants to know.

import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'

import { formatAmount, formatWei, toTokens } from '../src/lib/formatamount.ts'

interface Parts {
  /** Its address. */
  readonly nodeKey: string
  /** Base units; undefined where the chain has not told. */
  readonly coins: bigint | undefined
  readonly tokens: bigint | undefined
  /** In the place of the address, where nothing should be sent to it yet. */
  readonly barrier?: ComponentChildren
  /** More ways to fill it up. */
  readonly children?: ComponentChildren
}

export function MoneyPart({ nodeKey, coins, tokens, barrier, children }: Parts) {
  return (
    <details class="fact" data-testid="money">
      <summary>Money of the node key</summary>
      <dl class="legend">
        <div>
          <dt>Coins, for gas</dt>
          <dd data-testid="coins">{coins === undefined ? 'unknown' : tellCoins(coins)}</dd>
        </div>
        <div>
          <dt>Tokens, for collateral and purchases</dt>
          <dd>{tokens === undefined ? 'unknown' : formatAmount(tokens)}</dd>
        </div>
      </dl>
      {barrier ?? (
        <>
          <AddressLine address={nodeKey} />
          {children}
        </>
      )}
    </details>
  )
}

/** Few of them are written as the chain counts. */
function tellCoins(wei: bigint): string {
  return wei < 10n ** 12n ? formatWei(wei) : `${toTokens(wei)} coins`
}

function AddressLine({ address }: { readonly address: string }) {
  const words = useSignal('Copy the address')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(address)
      words.value = 'Copied'
    } catch {
      // The browser keeps the clipboard from this page: the text is there to be selected.
      words.value = 'Select and copy it'
    }
  }
  return (
    <div class="row">
      <code class="cid grow" data-testid="node-key">
        {address}
      </code>
      <button type="button" onClick={() => void copy()}>
        {words}
      </button>
    </div>
  )
}
