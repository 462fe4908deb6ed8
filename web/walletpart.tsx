// A browser wallet beside the node key: gets the rewards, and fills the key up. Optional throughout.

import { type ReadonlySignal, type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

import { parseTokens } from './amounts.ts'
import { explain } from './explain.ts'
import type { SeenNetwork } from './networkstep.tsx'
import { askAddress, findWallets, labelOf, topUp, type Wallet } from './wallets.ts'

interface TopUpParts {
  /** Its address. */
  readonly nodeKey: string
  readonly network: Pick<SeenNetwork, 'chainId' | 'token'>
  readonly closing: AbortSignal
}

interface Parts extends TopUpParts {
  /** Address that gets rewards; empty for the node key. */
  readonly recipient: Signal<string>
  /** Whether money may be sent to the node key. */
  readonly isSafe: boolean
}

interface Connected {
  readonly wallet: Wallet
  readonly address: string
}

export function WalletPart({ nodeKey, network, recipient, isSafe, closing }: Parts) {
  const wallets = useWallets(closing)
  const connected = useSignal<Connected | undefined>(undefined)
  const news = useSignal<string | undefined>(undefined)
  const connect = (wallet: Wallet): Promise<void> =>
    trying(news, async () => {
      const address = await askAddress(wallet)
      connected.value = { wallet, address }
      recipient.value = address
      return `Rewards go to ${address}; collateral always returns to the node key.`
    })
  return (
    <div class="fact" data-testid="wallets">
      <p class="quiet">
        Rewards go to {recipient.value === '' ? 'the node key' : <code>{recipient.value}</code>}.
        {wallets.value.length === 0 &&
          ' This browser shows no wallet that could take them, or fill the key up: who gets them is chosen here only, the key can be filled up later, too.'}
      </p>
      <div class="row">
        <WalletButtons words="Send rewards to" wallets={wallets.value} choose={(wallet) => void connect(wallet)} />
        {recipient.value !== '' && (
          <button type="button" onClick={() => (recipient.value = '')}>
            Keep them with the node key
          </button>
        )}
      </div>
      {connected.value !== undefined && isSafe && (
        <TopUpForms from={connected.value} nodeKey={nodeKey} network={network} news={news} />
      )}
      {news.value !== undefined && <p role="status">{news.value}</p>}
    </div>
  )
}

/** The node key filled up, and nothing else. */
export function TopUp({ nodeKey, network, closing }: TopUpParts) {
  const wallets = useWallets(closing)
  const connected = useSignal<Connected | undefined>(undefined)
  const news = useSignal<string | undefined>(undefined)
  const connect = (wallet: Wallet): Promise<void> =>
    trying(news, async () => {
      connected.value = { wallet, address: await askAddress(wallet) }
      return `From ${connected.value.address}, as often as you ask it to.`
    })
  return (
    <>
      <div class="row">
        <WalletButtons words="Fill it up from" wallets={wallets.value} choose={(wallet) => void connect(wallet)} />
      </div>
      {connected.value !== undefined && (
        <TopUpForms from={connected.value} nodeKey={nodeKey} network={network} news={news} />
      )}
      {news.value !== undefined && <p role="status">{news.value}</p>}
    </>
  )
}

function useWallets(closing: AbortSignal): ReadonlySignal<readonly Wallet[]> {
  const wallets = useSignal<readonly Wallet[]>([])
  useEffect(() => {
    const ending = new AbortController()
    findWallets((found) => (wallets.value = found), AbortSignal.any([closing, ending.signal]))
    return () => ending.abort()
  }, [closing])
  return wallets
}

async function trying(news: Signal<string | undefined>, act: () => Promise<string>): Promise<void> {
  news.value = undefined
  news.value = await act().catch(explain)
}

interface ButtonsParts {
  readonly words: string
  readonly wallets: readonly Wallet[]
  readonly choose: (wallet: Wallet) => void
}

function WalletButtons({ words, wallets, choose }: ButtonsParts) {
  return wallets.map((wallet) => (
    <button key={wallet.id} type="button" onClick={() => choose(wallet)}>
      {words} {labelOf(wallet, wallets)}
    </button>
  ))
}

interface FormsParts extends Omit<TopUpParts, 'closing'> {
  readonly from: Connected
  readonly news: Signal<string | undefined>
}

function TopUpForms({ from: { wallet, address }, nodeKey, network: { chainId, token }, news }: FormsParts) {
  const send = (form: FormData, ofToken: string | undefined): Promise<void> =>
    trying(news, async () => {
      const amount = form.get('amount')
      const amountWei = parseTokens(typeof amount === 'string' ? amount : '')
      const hash = await topUp(wallet, { from: address, to: nodeKey, chainId, amountWei, token: ofToken })
      return `On its way to the node key: transaction ${hash.slice(0, 12)}…`
    })
  return (
    <>
      <TopUpForm words="Coins for gas, to the node key" send={(form) => void send(form, undefined)} />
      <TopUpForm words="Tokens for collateral, to the node key" send={(form) => void send(form, token)} />
    </>
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
