// What a person has to look after: each alert with its cause, the money at stake, and one thing to do. Those of the node's state are made each time they are
// asked for, so that they are gone when their cause is; behind them those that the node has raised.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { formatAmount, formatWei } from '../lib/formatamount.ts'
import { plainText } from '../lib/plainvalue.ts'
import { LOW_COINS_WEI } from '../protocol/lowcoins.ts'
import type { AlertLook, MarketplaceParts, Selling } from './marketparts.ts'
import type { MarketplaceDoor } from './restparts.ts'

const LOOKED_AT = [
  'market/unreachable',
  'market/wrong-chain',
  'market/clock-drift',
  'market/stuck',
  'wallet/low-coins',
  'wallet/low-tokens',
]
/** Alerts that are told. */
const MAX_ALERTS = 100

/** Of a node that is not in the marketplace: that it waits to enter, or leaves slots that it holds alone. */
export function alertsBeforeEntry(door: Pick<MarketplaceDoor, 'waiting' | 'unproven'>): AlertLook[] {
  const waiting = door.waiting()
  const alerts = unprovenOf(door)
  if (waiting === undefined) return alerts
  const { since, problem, atStake } = waiting
  return [{ ...unreachable('market/unreachable', problem, atStake), at: since }, ...alerts]
}

/** Also of one that is in it without the role of a provider. */
export function unprovenOf(door: Pick<MarketplaceDoor, 'unproven'>): AlertLook[] {
  const alert = door.unproven()
  return alert === undefined ? [] : [alert]
}

/** Never rejects but with the signal's reason: an endpoint that does not answer is an alert itself. */
export async function alertsOf(marketplace: MarketplaceParts, options: AbortOptions): Promise<AlertLook[]> {
  const { selling, clock } = marketplace
  const atStake = committedOf(selling)
  const { state, problem = '', drift } = marketplace.market.endpointStatus()
  const raised =
    state === 'connected'
      ? await balanceAlerts(marketplace, atStake, options)
      : [unreachable(state === 'wrong chain' ? 'market/wrong-chain' : 'market/unreachable', problem, atStake)]
  if (drift !== undefined)
    raised.push({
      code: 'market/clock-drift',
      cause: `This machine's clock is ${Math.round(Math.abs(drift))} s ${drift > 0 ? 'behind' : 'ahead of'} the chain's time`,
      atStake,
      action: "set this machine's clock, or proofs may come too late",
    })
  for (const { stuck } of marketplace.market.openIntents())
    if (stuck !== undefined)
      raised.push({
        code: stuck.code,
        cause: plainText(stuck.message),
        atStake,
        action: 'raise the cap that stands in the way, see to the other transaction, or give another endpoint',
      })
  if (selling?.holds.includes('paused') === true)
    raised.push({
      code: 'sales/paused',
      cause: 'No new slots are taken',
      atStake: undefined,
      action: 'codex-light resume, when that is to change',
    })
  const at = clock.now()
  // Of what has its state looked at here, what was raised before says nothing new.
  const earlier = marketplace.alerts.filter(({ code }) => !LOOKED_AT.includes(code))
  return [...raised.map((alert) => ({ at, ...alert })), ...earlier].slice(0, MAX_ALERTS)
}

type Raised = Omit<AlertLook, 'at'>

/** What slots of ours have put in. */
export function committedOf(selling: Selling | undefined): bigint {
  return (selling?.reservations.reservations() ?? []).reduce((sum, { collateral }) => sum + collateral, 0n)
}

function unreachable(code: string, problem: string, atStake: bigint | undefined): Raised {
  const action = 'see that the endpoint of --eth-provider answers, or give another'
  return { code, cause: `The chain: ${plainText(problem)}`, atStake, action }
}

async function balanceAlerts({ market, selling }: MarketplaceParts, atStake: bigint, options: AbortOptions) {
  const raised: Raised[] = []
  try {
    const [coins, tokens] = await Promise.all([market.coinBalance(options), market.tokenBalance(options)])
    if (coins < LOW_COINS_WEI)
      raised.push({
        code: 'wallet/low-coins',
        cause: `${market.host} has ${formatWei(coins)} left for gas`,
        atStake,
        action: `send coins to ${market.host}`,
      })
    const offered = (selling?.reservations.availabilities() ?? [])
      .filter(({ enabled }) => enabled)
      .reduce((sum, { totalRemainingCollateral }) => sum + totalRemainingCollateral, 0n)
    if (tokens < offered)
      raised.push({
        code: 'wallet/low-tokens',
        cause: `Availabilities offer ${formatAmount(offered)} as further collateral, ${market.host} has ${formatAmount(tokens)}`,
        atStake: undefined,
        action: `send tokens to ${market.host}, or lower the collateral of an availability`,
      })
  } catch (error) {
    options.signal.throwIfAborted()
    if (!CodexError.is(error)) throw error
    raised.push(unreachable(error.code, error.message, atStake))
  }
  return raised
}
