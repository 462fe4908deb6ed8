// Collecting what a slot earned: never before it is over, and once more when a reorganisation took it back.

import type { AbortOptions } from '../lib/abort.ts'
import type { Clock } from '../lib/clock.ts'
import { CodexError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Scope } from '../lib/scope.ts'
import type { Seconds } from '../lib/units.ts'
import type { SlotId } from '../protocol/request.ts'
import type { ChainReader } from './chainreader.ts'
import { slotStateOf } from './chainstates.ts'
import { GAS_PERCENT } from './gaspercent.ts'
import type { Intent } from './intent.ts'
import type { Address, CollectOutcome, Market } from './market.ts'
import { outcome } from './outcome.ts'
import { paidOut } from './paidout.ts'
import type { JournalEntry } from './sendjournal.ts'
import type { Settled } from './senttransaction.ts'
import type { Transactor } from './transactor.ts'

export interface CollectingParts {
  readonly market: Pick<Market, 'host' | 'hostOf' | 'activeSlot'> & Parameters<typeof paidOut>[1]
  readonly reader: ChainReader
  readonly transactor: Transactor
  /** Gets the rewards; silent: the key itself. */
  readonly rewardRecipient: Address | undefined
  /** The machine's. */
  readonly wall: Clock
  readonly log: Log
}

/** Between two looks whether a slot whose collecting was taken back is over again. */
const COLLECT_RETRY_SECONDS: Seconds = 10

export class Collecting {
  readonly #parts: CollectingParts
  readonly #scope: Scope

  constructor(parts: CollectingParts) {
    this.#parts = parts
    this.#scope = new Scope({ report: (error) => parts.log.error('collecting again failed', { error }) })
  }

  /** Nothing of it runs once settled. */
  stop(): Promise<void> {
    return this.#scope.close()
  }

  async collect(id: SlotId, options: AbortOptions): Promise<CollectOutcome> {
    const { market, reader, rewardRecipient, transactor } = this.#parts
    // As mined blocks left it, for what the next one may see is too early where the endpoint's clock is ahead.
    const [[word], host] = await Promise.all([
      reader.view('slotState', [id], 'latest', options),
      market.hostOf(id, options),
    ])
    const state = slotStateOf(word as bigint)
    const refuse = (why: 'not over yet' | 'already paid' | 'not our slot'): CollectOutcome => ({
      done: false,
      why,
      sentence: `the slot reads ${state}, its host is ${host ?? 'nobody'}`,
    })
    if (state === 'Filled') return refuse('not over yet')
    if (state === 'Paid') return refuse('already paid')
    if (state === 'Free' || state === 'Repair' || host !== market.host) return refuse('not our slot')
    const active = await market.activeSlot(id, options)
    if (active === undefined) return refuse('not our slot')
    // Of a cancelled request this is its expiry.
    const [end] = await reader.view('requestEnd', [active.requestId], 'latest', options)
    const intent: Intent = { verb: 'collect', slotId: id, rewardRecipient }
    const order = { intent, gasPercent: GAS_PERCENT.collect, safeAfter: Number(end) }
    const collected = await outcome<'not over yet' | 'already paid' | 'not our slot', Settled>(
      transactor.settle(order, options),
      {
        notOver: 'not over yet',
        Marketplace_AlreadyPaid: 'already paid',
        Marketplace_InvalidSlotHost: 'not our slot',
        Marketplace_SlotIsFree: 'not our slot',
      },
    )
    if (!collected.done) return collected
    const { landed, logs } = collected.transaction
    return { done: true, transaction: { ...landed, received: paidOut(logs, market) } }
  }

  async collected(id: SlotId, options: AbortOptions): Promise<bigint | undefined> {
    const { market, transactor } = this.#parts
    const receipts = await transactor.receiptsOf('collect', id, options)
    const mined = receipts.find(({ succeeded }) => succeeded)
    return mined && paidOut(mined.logs, market)
  }

  /** A reorganisation took back a collect of which the caller knows nothing any more. */
  again({ slotId }: JournalEntry): void {
    if (slotId === undefined) return
    const { log, wall } = this.#parts
    this.#scope.spawn('collecting again', async (signal) => {
      for (;;) {
        try {
          const outcome = await this.collect(slotId, { signal })
          if (outcome.done || outcome.why !== 'not over yet') return
        } catch (error) {
          if (signal.aborted || CodexError.is(error, 'market/stopped')) return
          log.warn('collecting again failed; trying until it succeeds', { slotId, error })
        }
        await wall.until(wall.now() + COLLECT_RETRY_SECONDS, { signal })
      }
    })
  }
}
