// A browser wallet beside the node key: gets the rewards, and fills the key up. Optional throughout.

import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

import { parseTokens } from './amounts.ts'
import { explain } from './explain.ts'
import type { SeenNetwork } from './networkstep.tsx'
import { askAddress, findWallets, topUp, type Wallet } from './wallets.ts'

interface Parts {
  /** Its address. */
  readonly nodeKey: string
  readonly network: SeenNetwork
  /** Address that gets rewards; empty for the node key. */
  readonly recipient: Signal<string>
  readonly closing: AbortSignal
}

export function WalletPart({ nodeKey, network, recipient, closing }: Parts) {
  const wallets = useSignal<readonly Wallet[]>([])
  const connected = useSignal<{ readonly wallet: Wallet; readonly address: string } | undefined>(undefined)
  const news = useSignal<string | undefined>(undefined)
  useEffect(() => {
    const ending = new AbortController()
    findWallets((found) => (wallets.value = found), AbortSignal.any([closing, ending.signal]))
    return () => ending.abort()
  }, [closing])
  const trying = async (act: () => Promise<string>): Promise<void> => {
    news.value = undefined
    news.value = await act().catch(explain)
  }
  const connect = (wallet: Wallet): Promise<void> =>
    trying(async () => {
      const address = await askAddress(wallet)
      connected.value = { wallet, address }
      recipient.value = address
      return `Rewards go to ${address}; collateral always returns to the node key.`
    })
  const send = (form: FormData, token: string | undefined): Promise<void> =>
    trying(async () => {
      const { wallet, address } = connected.value ?? {}
      if (wallet === undefined || address === undefined) return ''
      const amount = form.get('amount')
      const amountWei = parseTokens(typeof amount === 'string' ? amount : '')
      const { chainId } = network
      const hash = await topUp(wallet, { from: address, to: nodeKey, chainId, amountWei, token })
      return `On its way to the node key: transaction ${hash.slice(0, 12)}…`
    })
  return (
    <div class="fact" data-testid="wallets">
      <p class="quiet">
        Rewards go to {recipient.value === '' ? 'the node key' : <code>{recipient.value}</code>}.
        {wallets.value.length === 0 &&
          ' This browser shows no wallet that could take them, or fill the key up: both can be done later, too.'}
      </p>
      <div class="row">
        {wallets.value.map((wallet) => (
          <button key={wallet.name} type="button" onClick={() => void connect(wallet)}>
            Send rewards to {wallet.name}
          </button>
        ))}
        {recipient.value !== '' && (
          <button type="button" onClick={() => (recipient.value = '')}>
            Keep them with the node key
          </button>
        )}
      </div>
      {connected.value !== undefined && (
        <>
          <TopUpForm words="Coins for gas, to the node key" send={(form) => void send(form, undefined)} />
          <TopUpForm words="Tokens for collateral, to the node key" send={(form) => void send(form, network.token)} />
        </>
      )}
      {news.value !== undefined && <p role="status">{news.value}</p>}
    </div>
  )
}

function TopUpForm({ words, send }: { readonly words: string; readonly send: (form: FormData) => void }) {
  return (
    <form
      class="row"
      onSubmit={(event) => {
        event.preventDefault()
        send(new FormData(event.currentTarget))
      }}
    >
      <label class="grow">
        {words} <input name="amount" inputMode="decimal" required size={8} />
      </label>
      <button type="submit">Ask the wallet</button>
    </form>
  )
}
