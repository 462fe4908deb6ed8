// A payment that is not made while an equal one of an earlier run was made, or may be, without anybody having been told.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import type { Seconds } from '../lib/units.ts'
import { checkedAddress } from './connection.ts'
import type { EarlierSend } from './earliersend.ts'
import type { EthersMarket } from './ethersmarket.ts'
import type { Address, Landed } from './market.ts'

export interface Payment {
  /** Coins, not tokens. */
  readonly coins: boolean
  readonly to: Address
  /** In base units of the token, or wei. */
  readonly amount: bigint
  /** Hash of an earlier payment: it, and equal ones before it, are known to whoever asks, and stand in the way no more. */
  readonly again?: string | undefined
}

export interface Paid {
  readonly landed: Landed
  /** Others of earlier runs, of which nobody may have been told. */
  readonly earlier: readonly EarlierSend[]
}

export interface PayOnceOptions extends AbortOptions {
  readonly tell: (paid: Paid) => Promise<void>
}

/** For what an earlier run was sending. Longer than it takes until more is offered for it. */
export const EARLIER_PATIENCE_SECONDS: Seconds = 120

/**
 * Waits for what earlier runs were sending, then pays.
 * @throws CodexError `wallet/sent-before` when that holds the same payment, and it was made or may be; as {@link EthersMarket.sendTokens}
 */
export async function payOnce(
  market: Pick<EthersMarket, 'earlierSends' | 'markAnswered' | 'sendCoins' | 'sendTokens'>,
  { coins, amount, again, ...payment }: Payment,
  { signal, tell }: PayOnceOptions,
): Promise<void> {
  const to = checkedAddress(payment.to)
  const all = await market.earlierSends({ signal, patienceSeconds: EARLIER_PATIENCE_SECONDS })
  const known = all.find(({ hashes }) => again !== undefined && hashes.includes(again.toLowerCase()))
  const isEqual = (one: EarlierSend) =>
    one.to === to && one.amount === amount && one.verb === (coins ? 'sendCoin' : 'sendToken')
  const isKnown = (one: EarlierSend) =>
    known !== undefined && (one === known || (isEqual(one) && one.nonce <= known.nonce))
  const before = all.findLast((one) => isEqual(one) && one.fate !== 'not made' && !isKnown(one))
  if (before !== undefined) throw sentBefore(before)
  for (const { fate, hashes } of all.filter(isKnown)) {
    // What is still under way is told of once more when it is over.
    if (fate !== 'under way') await market.markAnswered(hashes[0] ?? '')
  }
  const earlier = all.filter((one) => !isKnown(one))
  const options = { signal, tell: (landed: Landed) => tell({ landed, earlier }) }
  await (coins ? market.sendCoins(to, amount, options) : market.sendTokens(to, amount, options))
}

/** What an earlier run sent, and what became of it. */
export function earlierSentence({ verb, to, amount, fate, hashes, landed }: EarlierSend): string {
  const what = `${amount} ${verb === 'sendCoin' ? 'wei of coins' : 'base units of tokens'} to ${to}`
  const hash = landed?.hash ?? hashes.at(-1) ?? ''
  switch (fate) {
    case 'made':
      return `an earlier run sent ${what}, in block ${landed?.block ?? '?'} as ${hash}`
    case 'not made':
      return `an earlier run wanted to send ${what} as ${hash}; it was not made, and will not be`
    case 'under way':
      return `an earlier run was sending ${what}; it is still under way as ${hash}`
    case 'unknown':
      return `an earlier run was sending ${what} as ${hash}; the endpoint cannot tell whether it was made`
  }
}

function sentBefore(before: EarlierSend): CodexError<'wallet/sent-before'> {
  const { verb, to, amount, fate, hashes, landed } = before
  const hash = landed?.hash ?? hashes.at(-1) ?? ''
  const first =
    fate === 'under way'
      ? 'run this once more later to see what became of it; '
      : fate === 'unknown'
        ? "look at the receiver's balance first; "
        : ''
  const message = `${earlierSentence(before)}; nothing was sent now; ${first}to send as much once more, give --again ${hash}`
  return new CodexError('wallet/sent-before', message, {
    detail: { coins: verb === 'sendCoin', to, amount, fate, hash, block: landed?.block },
  })
}
