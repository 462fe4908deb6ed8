// Looks after the way to the chain, the purse and the record of what is sent, and raises alerts where a person has to act. It sends nothing.

import type { AbortOptions } from '../lib/abort.ts'
import type { RaisedAlert } from '../lib/alert.ts'
import type { Clock } from '../lib/clock.ts'
import { formatAmount, formatWei } from '../lib/formatamount.ts'
import type { Seconds } from '../lib/units.ts'
import { LOW_COINS_WEI } from '../protocol/lowcoins.ts'
import type { CommitWatch, WriteTrouble } from '../storage/commitwatch.ts'
import type { Market } from './market.ts'

export interface MarketAlertsParts {
  readonly market: Pick<Market, 'host' | 'endpointStatus' | 'coinBalance' | 'tokenBalance' | 'openIntents'>
  /** Over the store that transactions are written down in. */
  readonly records: Pick<CommitWatch, 'look'>
  /** The machine's. */
  readonly wall: Clock
  /** What may be lost meanwhile, in token base units. */
  readonly atStake: () => bigint | undefined
  /** What the node offers as collateral of further slots, in token base units. */
  readonly offered: () => bigint
  readonly raise: (alert: RaisedAlert) => void
  /** The cause of this alert is over. */
  readonly over: (code: string) => void
}

/** Between two looks at endpoint and purse. */
const LOOK_SECONDS: Seconds = 15
const PURSE_SECONDS: Seconds = 600

const AWAY_CODES = ['market/unreachable', 'market/wrong-chain']

/** The cause says which it is. */
const STUCK_ACTION = 'Raise the cap that stands in the way, see to the other transaction, or give another endpoint'

/** Told once, whichever of the two it is. */
const CANNOT_WRITE = 'market/cannot-write'

const WRITE_TROUBLES: Readonly<Record<WriteTrouble['code'], Pick<RaisedAlert, 'cause' | 'action'>>> = {
  'datastore/full': {
    cause:
      'The disk, or the room that the browser gives this site, is full: nothing new is bought or sold, payouts wait, and proofs that are due are sent without a record',
    action: 'Make room: remove datasets, or other files of this disk',
  },
  'datastore/failed': {
    cause:
      'The store cannot write down what is sent: nothing new is bought or sold, payouts wait, and proofs that are due are sent without a record',
    action: 'Check the disk, then start the node again',
  },
}

/** @param drift as of an endpoint's status */
function driftSentence(drift: Seconds): string {
  const where = drift > 0 ? 'behind' : 'ahead of'
  return `This machine's clock is ${Math.round(Math.abs(drift))} s ${where} the chain's time: proofs may come too late`
}

export class MarketAlerts {
  readonly #parts: MarketAlertsParts

  constructor(parts: MarketAlertsParts) {
    this.#parts = parts
  }

  /** Each trouble is told once, and its end. Rejects with the signal's reason. */
  async watchEndpoint({ signal }: AbortOptions): Promise<never> {
    const { wall, market, raise, over, atStake } = this.#parts
    let isTold = false
    let isDriftTold = false
    let historyTold: number | undefined
    for (;;) {
      await wall.until(wall.now() + LOOK_SECONDS, { signal })
      const status = market.endpointStatus()
      if (status.state !== 'connected' && !isTold)
        raise({
          code: `market/${status.state === 'unreachable' ? 'unreachable' : 'wrong-chain'}`,
          cause: `The endpoint is no help: ${status.problem}`,
          atStake: atStake(),
          action: 'Check the endpoint, or give another one',
        })
      if (isTold && status.state === 'connected') for (const code of AWAY_CODES) over(code)
      isTold = status.state !== 'connected'
      // While the endpoint is away nothing is known of its time.
      if (status.state !== 'connected') continue
      if (status.drift !== undefined && !isDriftTold)
        raise({
          code: 'market/clock-drift',
          cause: driftSentence(status.drift),
          atStake: atStake(),
          action: "Set this machine's clock",
        })
      if (isDriftTold && status.drift === undefined) over('market/clock-drift')
      isDriftTold = status.drift !== undefined
      if (status.historyFrom !== undefined && status.historyFrom !== historyTold)
        raise({
          code: 'market/history-missing',
          cause: `The endpoint has no events before block ${status.historyFrom}: requests and losses of that time are not known`,
          atStake: undefined,
          action: 'Give an endpoint that keeps the events of all blocks',
        })
      historyTold = status.historyFrom
    }
  }

  /** As {@link MarketAlerts.watchEndpoint}, for each transaction that is stuck. */
  async watchTransactions({ signal }: AbortOptions): Promise<never> {
    const { wall, market, raise, over, atStake } = this.#parts
    let told = new Map<number, string>()
    for (;;) {
      await wall.until(wall.now() + LOOK_SECONDS, { signal })
      const now = market.openIntents().filter(({ stuck }) => stuck !== undefined)
      for (const { nonce, stuck } of now) {
        if (stuck !== undefined && !told.has(nonce))
          raise({ code: stuck.code, cause: stuck.message, atStake: atStake(), action: STUCK_ACTION })
      }
      const still = new Map(now.map(({ nonce, stuck }) => [nonce, stuck?.code ?? '']))
      const codes = new Set(still.values())
      for (const code of new Set(told.values())) if (!codes.has(code)) over(code)
      told = still
    }
  }

  /** As {@link MarketAlerts.watchEndpoint}: over with the first look since which something was written, and nothing failed. */
  async watchRecords({ signal }: AbortOptions): Promise<never> {
    const { wall, records, raise, over, atStake } = this.#parts
    let isTold = false
    for (;;) {
      await wall.until(wall.now() + LOOK_SECONDS, { signal })
      const { trouble, hasWritten } = records.look()
      if (trouble !== undefined && !isTold)
        raise({ code: CANNOT_WRITE, atStake: atStake(), ...WRITE_TROUBLES[trouble.code] })
      if (trouble === undefined && !hasWritten) continue
      if (trouble === undefined && isTold) over(CANNOT_WRITE)
      isTold = trouble !== undefined
    }
  }

  /** As {@link MarketAlerts.watchEndpoint}: coins for gas, and tokens for the collateral that is offered. */
  async watchPurse({ signal }: AbortOptions): Promise<never> {
    const { wall, market, raise, over, atStake } = this.#parts
    let isTold = false
    let areTokensTold = false
    for (;;) {
      const tokens = await market.tokenBalance({ signal }).catch(() => undefined)
      const offered = this.#parts.offered()
      const areTokensLow = tokens !== undefined && tokens < offered
      if (areTokensLow && !areTokensTold)
        raise({
          code: 'wallet/low-tokens',
          cause: `Availabilities offer ${formatAmount(offered)} as further collateral, the node key ${market.host} has ${formatAmount(tokens)}: slots that need more are not taken`,
          atStake: undefined,
          action: 'Send tokens to the node key, or offer less collateral',
        })
      if (tokens !== undefined) {
        if (areTokensTold && !areTokensLow) over('wallet/low-tokens')
        areTokensTold = areTokensLow
      }
      const coins = await market.coinBalance({ signal }).catch(() => undefined)
      signal.throwIfAborted()
      const isLow = coins !== undefined && coins < LOW_COINS_WEI
      if (isLow && !isTold)
        raise({
          code: 'wallet/low-coins',
          cause: `The node key ${market.host} has only ${formatWei(coins)} left for gas`,
          atStake: atStake(),
          action: 'Send coins for gas to the node key',
        })
      if (coins !== undefined) {
        if (isTold && !isLow) over('wallet/low-coins')
        isTold = isLow
      }
      await wall.until(wall.now() + PURSE_SECONDS, { signal })
    }
  }
}
