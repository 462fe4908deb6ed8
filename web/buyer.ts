// A client in this tab and nothing else: takes up the role, buys, and looks each second what became of it. What it sees goes into signals; no markup.

import { signal } from '@preact/signals'

import type * as BrowserRoom from '../src/browser.ts'
import type { TabNode } from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import type { Seconds } from '../src/lib/units.ts'
import { buyStorage } from './buystorage.ts'
import type { Corner } from './corner.ts'
import { explain } from './explain.ts'
import type { Entering } from './nottrading.tsx'
import { type BoughtRow, PurchaseWatch } from './purchasewatch.ts'
import type { SellPlan } from './sellplan.ts'
import type { ViewedAlert } from './sellerview.ts'
import { tellWaiting } from './tellwaiting.ts'

type Trade = NonNullable<TabNode['trade']>
type Room = Pick<typeof BrowserRoom, 'enterRoles' | 'soldHere'>

/** It needs no circuit and no terms of sale. */
export type BuyPlan = Pick<SellPlan, 'place' | 'key' | 'demo' | 'note'>

export interface BuyerPicture {
  /** Address of its key. */
  readonly host: string
  /** The chain's. */
  readonly time: Seconds
  /** Why the chain cannot be asked; undefined while it can. */
  readonly outOfReach: string | undefined
  /** Undefined where it could not be asked. */
  readonly tokens: bigint | undefined
  /** For gas; undefined where they could not be asked. */
  readonly coins: bigint | undefined
  readonly chainId: number
  /** Address of the token. */
  readonly token: string
  readonly peers: number
  readonly alerts: readonly ViewedAlert[]
  readonly bought: readonly BoughtRow[]
}

const LOOK_MS = 1000
/** Looks between two questions to the chain. */
const ASK_EVERY = 5

export class Buyer {
  readonly phase = signal<Entering | { readonly at: 'buying' }>({
    at: 'joining',
    what: 'Joining the network and the marketplace…',
  })
  readonly picture = signal<BuyerPicture | undefined>(undefined)
  readonly #room: Room
  readonly #node: TabNode
  readonly #plan: BuyPlan
  readonly #bought = new PurchaseWatch()
  #tokens: bigint | undefined
  #coins: bigint | undefined
  #looks = 0
  #signal: AbortSignal = AbortSignal.abort()

  constructor(room: Room, node: TabNode, plan: BuyPlan) {
    this.#room = room
    this.#node = node
    this.#plan = plan
  }

  /** Settles when it may buy, or cannot. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    try {
      const { place, demo, note } = this.#plan
      await this.#assertHoldsNothing(signal)
      const key = await this.#plan.key(this.#node)
      const roles = { ...place, roles: ['client'] as const, key, ...(demo && { pollSeconds: 1 }) }
      const telling = setInterval(() => this.#tellWaiting(), LOOK_MS)
      try {
        await this.#room.enterRoles(this.#node, roles, { signal })
      } finally {
        clearInterval(telling)
      }
      note()
      await this.#look(signal)
      this.phase.value = { at: 'buying' }
      const timer = setInterval(() => void this.#look(signal), LOOK_MS)
      signal.addEventListener('abort', () => clearInterval(timer), { once: true })
    } catch (error) {
      if (!signal.aborted) this.phase.value = { at: 'failed', problem: explain(error) }
    }
  }

  /** As {@link buyStorage}. */
  async buy(...asked: Parameters<Corner['buy']>): Promise<string> {
    const id = await buyStorage(this.#node.trade, asked, this.#signal)
    this.#looks = 0
    await this.#look(this.#signal)
    return id
  }

  /** A node without the role of a provider proves nothing. @throws CodexError `page/holds-slots` */
  async #assertHoldsNothing(signal: AbortSignal): Promise<void> {
    const { held } = await this.#room.soldHere(this.#node, { signal })
    if (held === undefined) return
    throw new CodexError(
      'page/holds-slots',
      `this tab holds ${held}, which have to be proven: go on selling there, where storage can be bought too`,
    )
  }

  #tellWaiting(): void {
    const phase = this.phase.value
    const { waiting } = this.#node
    if (phase.at !== 'joining') return
    this.phase.value = {
      at: 'joining',
      what: phase.what,
      ...(waiting !== undefined && { problem: tellWaiting(waiting) }),
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { trade } = this.#node
    if (trade === undefined || signal.aborted) return
    // What the chain does not tell now stays as it was, and that it does not is told.
    if (this.#looks++ % ASK_EVERY === 0) await this.#ask(trade, signal).catch(() => undefined)
    const status = await this.#node.status().catch(() => undefined)
    // The session tells of a store that is gone.
    if (status === undefined) return
    const { market, alerts } = trade
    const endpoint = market.endpointStatus()
    this.picture.value = {
      host: market.host,
      time: market.clock.now(),
      outOfReach: endpoint.state === 'connected' ? undefined : endpoint.problem,
      tokens: this.#tokens,
      coins: this.#coins,
      chainId: market.chainId,
      token: market.token,
      peers: status.network?.peers.length ?? 0,
      alerts: alerts.filter(({ over }) => over === undefined),
      bought: this.#bought.rows,
    }
  }

  async #ask(trade: Trade, signal: AbortSignal): Promise<void> {
    await this.#bought.look(trade, signal)
    this.#tokens = await trade.market.tokenBalance({ signal }).catch(() => undefined)
    this.#coins = await trade.market.coinBalance({ signal }).catch(() => undefined)
  }
}
