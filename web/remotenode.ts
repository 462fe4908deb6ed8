// The node of the program that serves this page, seen through its REST interface: read every two seconds, changed only where a button says so.

import { signal } from '@preact/signals'

import { CodexError } from '../src/lib/errors.ts'
import { Mutex } from '../src/lib/mutex.ts'
import { amount, type Fields, fields, list, number, text } from './documentfields.ts'
import { explain } from './explain.ts'
import { NodeDoor } from './nodedoor.ts'
import type { BoughtRow } from './purchasewatch.ts'
import { RemoteCorner } from './remotecorner.ts'
import { RemoteFiles } from './remotefiles.ts'
import { tellOffered, type Terms } from './sellplan.ts'
import { type SellerView, type ViewedAlert, type ViewedPeer, viewedPeer, type ViewedSlot } from './sellerview.ts'

export interface Offered extends Terms {
  readonly id: string
  /** Whether slots are taken on these terms. */
  readonly enabled: boolean
  /** Chain time by which every request must have ended; 0 for any. */
  readonly until: number
}

export interface NodePicture {
  readonly version: string
  readonly peerId: string
  readonly uptimeSeconds: number
  /** Why it does not do all that it was started for. */
  readonly reasons: readonly string[]
  readonly space: {
    readonly usedBytes: number
    readonly reservedBytes: number
    readonly totalBytes: number
    readonly blocks: number
  }
  readonly peers: readonly ViewedPeer[]
  readonly alerts: readonly ViewedAlert[]
  /** Undefined where it takes no part in the marketplace, or has not entered it yet. */
  readonly market: MarketPicture | undefined
}

export interface MarketPicture {
  readonly host: string
  /** The chain's. */
  readonly time: number
  /** Of its key; undefined where that could not be asked. */
  readonly tokens: bigint | undefined
  /** For gas. */
  readonly coins: bigint | undefined
  /** Undefined where it does not sell. */
  readonly view: SellerView | undefined
  readonly offered: readonly Offered[]
  /** Undefined where it does not buy; the latest first. */
  readonly bought: readonly BoughtRow[] | undefined
  /** Slots that it watches as a validator; undefined where it is none. */
  readonly watched: number | undefined
}

export type RemoteState =
  | { readonly at: 'asking' }
  /** `isWrong`: one was given, and the node refused it. */
  | { readonly at: 'wants token'; readonly isWrong: boolean }
  | { readonly at: 'shows'; readonly picture: NodePicture }
  | { readonly at: 'gone'; readonly problem: string }

const LOOK_MS = 2000
/** It is asked of the chain, and the picture does without it. */
const BALANCE_MS = 3000
const DECISIONS = 20
const SHOWN_ENDED = 5
const SHOWN_PURCHASES = 20
/** Steps of the picture; what came before them is in the totals. */
const SHOWN_EARNINGS = 500
/** Of the looks, while nobody sees what they find. */
const HIDDEN_EVERY = 15

export class RemoteNode {
  readonly state = signal<RemoteState>({ at: 'asking' })
  readonly problem = signal<string | undefined>(undefined)
  /** By slot, in token base units a second; learnt once. */
  readonly #prices = new Map<string, bigint>()
  /** One look at a time: a slow node is not asked for ever more. */
  readonly #line = new Mutex()
  #looks = 0
  readonly #lookMs: number
  readonly #door = new NodeDoor()
  readonly files = new RemoteFiles(this.#door)
  /** Storage bought for files of the node. */
  readonly corner = new RemoteCorner(this.#door)

  /** @param lookMs between two looks */
  constructor(lookMs = LOOK_MS) {
    this.#lookMs = lookMs
  }

  /** Looks until `closing`. */
  run(closing: AbortSignal): void {
    void this.look(closing)
    let turn = 0
    const timer = setInterval(() => {
      const isDue = !document.hidden || ++turn % HIDDEN_EVERY === 0
      if (this.#looks === 0 && isDue) void this.look(closing)
    }, this.#lookMs)
    document.addEventListener('visibilitychange', () => void (document.hidden || this.look(closing)), {
      signal: closing,
    })
    closing.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  /** Kept for as long as the tab is open. */
  giveToken(token: string, closing: AbortSignal): void {
    this.#door.take(token)
    this.state.value = { at: 'asking' }
    void this.look(closing)
  }

  async pause(isPaused: boolean, closing: AbortSignal): Promise<void> {
    this.problem.value = undefined
    try {
      await this.#door.ask(isPaused ? 'pause' : 'resume', closing, { method: 'POST' })
      await this.look(closing)
    } catch (error) {
      this.problem.value = explain(error)
    }
  }

  /** @param id of what is changed; undefined for a first one @returns what is offered now, in a sentence @throws CodexError as the node refuses it */
  async offer(terms: Terms, id: string | undefined, closing: AbortSignal): Promise<string> {
    const { totalSize, duration, minPricePerBytePerSecond, totalCollateral } = terms
    const body = {
      ...{ totalSize, duration },
      minPricePerBytePerSecond: String(minPricePerBytePerSecond),
      totalCollateral: String(totalCollateral),
    }
    const row = id === undefined ? 'availability' : `availability/${id}`
    await this.#door.ask(row, closing, { method: id === undefined ? 'POST' : 'PATCH', document: body })
    await this.look(closing)
    return tellOffered(terms)
  }

  /** Behind one that is under way: what it shows is no older than the call. */
  async look(closing: AbortSignal): Promise<void> {
    this.#looks++
    try {
      await this.#line.run(() => this.#look(closing), { signal: closing })
    } catch (error) {
      if (!closing.aborted) throw error
    } finally {
      this.#looks--
    }
  }

  async #look(closing: AbortSignal): Promise<void> {
    if (this.state.value.at === 'wants token') return
    try {
      this.state.value = { at: 'shows', picture: await this.#picture(closing) }
    } catch (error) {
      if (closing.aborted) return
      this.state.value = CodexError.is(error, 'page/wants-token')
        ? { at: 'wants token', isWrong: this.#door.hasToken }
        : { at: 'gone', problem: explain(error) }
    }
  }

  async #picture(signal: AbortSignal): Promise<NodePicture> {
    const [found, peers, alerts] = await Promise.all(
      ['status', 'peers', 'alerts'].map((row) => this.#door.ask(row, signal)),
    )
    const status = fields(found)
    const space = fields(status['space'])
    const seen = {
      peers: list(fields(peers)['peers']).map((each) => peerOf(fields(each))),
      alerts: list(fields(alerts)['alerts']).map((each) => alertOf(fields(each))),
    }
    const market = status['marketplace']
    return {
      version: text(status['version']),
      peerId: text(status['peerId']),
      uptimeSeconds: number(status['uptimeSeconds']),
      reasons: list(status['reasons']).map(text),
      space: {
        usedBytes: number(space['quotaUsedBytes']),
        reservedBytes: number(space['quotaReservedBytes']),
        totalBytes: number(space['quotaMaxBytes']),
        blocks: number(space['totalBlocks']),
      },
      ...seen,
      market: market === null ? undefined : await this.#market(fields(market), seen, signal),
    }
  }

  async #market(
    market: Fields,
    seen: Pick<SellerView, 'peers' | 'alerts'>,
    signal: AbortSignal,
  ): Promise<MarketPicture> {
    const [sells, buys] = [market['selling'] !== null, market['purchases'] !== null]
    const isReached = market['endpoint'] === 'connected'
    const nothing = Promise.resolve([])
    const [availabilities, purchases, balance] = await Promise.all([
      sells ? this.#door.ask('availability', signal) : nothing,
      buys ? this.#door.ask(`purchases?count=${SHOWN_PURCHASES}`, signal) : nothing,
      isReached && (sells || buys) ? this.#balance(signal) : undefined,
    ])
    const tokens = balance === undefined ? undefined : amount(fields(balance)['tokens'])
    const coins = balance === undefined ? undefined : amount(fields(balance)['coins'])
    const offered = list(availabilities).map(fields)
    return {
      host: text(market['host']),
      time: number(market['now']),
      tokens,
      coins,
      view: sells ? await this.#view(market, { ...seen, offered, tokens, coins }, signal) : undefined,
      offered: offered.map(offeredOf),
      bought: buys
        ? await this.corner.watched(list(purchases).slice(-SHOWN_PURCHASES).reverse().map(fields), isReached, signal)
        : undefined,
      watched: typeof market['watched'] === 'number' ? market['watched'] : undefined,
    }
  }

  async #view(
    market: Fields,
    known: Pick<SellerView, 'peers' | 'alerts' | 'tokens' | 'coins'> & { readonly offered: readonly Fields[] },
    signal: AbortSignal,
  ): Promise<SellerView> {
    const { offered, alerts, peers, tokens, coins } = known
    const isReached = market['endpoint'] === 'connected'
    const [sales, ended, decisions, earnings] = await Promise.all(
      [
        ...['sales', `sales/ended?count=${SHOWN_ENDED}`],
        ...[`decisions?count=${DECISIONS}`, `earnings?count=${SHOWN_EARNINGS}`],
      ].map((row) => this.#door.ask(row, signal)),
    )
    if (isReached) await this.#learnPrices(list(sales).map(fields), signal)
    const proofSeconds = Number(market['proofSeconds'] ?? NaN)
    return {
      host: text(market['host']),
      time: number(market['now']),
      periodSeconds: Math.max(1, number(market['period'])),
      outOfReach: isReached ? undefined : text(market['problem']),
      holds: list(fields(market['selling'])['holds']).map(text) as SellerView['holds'],
      peers,
      keeping: 'kept',
      spaceBytes: offered.reduce((sum, each) => sum + number(each['totalSize']), 0),
      freeCollateral: offered.reduce((sum, each) => sum + amount(each['totalRemainingCollateral']), 0n),
      proofSeconds: Number.isFinite(proofSeconds) ? [proofSeconds] : [],
      provesInDevelopment: typeof market['developmentMark'] === 'string',
      slots: list(sales).map((each) => slotOf(fields(each), this.#prices)),
      ended: list(ended)
        .slice(0, SHOWN_ENDED)
        .map((each) => slotOf(fields(each), this.#prices)),
      alerts,
      decisions: list(decisions).map((each) => decisionOf(fields(each))),
      earnings: list(fields(earnings)['slots']).map((each) => {
        const { at, reward, lostCollateral } = fields(each)
        return { at: number(at), reward: amount(reward), lostCollateral: amount(lostCollateral) }
      }),
      earningTotals: {
        reward: amount(fields(earnings)['total']),
        lostCollateral: amount(fields(earnings)['lost']),
      },
      tokens,
      coins,
      maxMissed: number(market['maxSlashes']),
      slashPercentage: number(market['slashPercentage']),
    }
  }

  /** Undefined where the chain gives no answer soon. */
  async #balance(signal: AbortSignal): Promise<unknown> {
    const patience = AbortSignal.any([signal, AbortSignal.timeout(BALANCE_MS)])
    return this.#door.ask('balance', patience).catch(() => undefined)
  }

  /** Of slots that are filled: the chain is asked for the others once they are. */
  async #learnPrices(sales: readonly Fields[], signal: AbortSignal): Promise<void> {
    const running = new Set(sales.map((sale) => text(sale['slotId'])))
    for (const id of this.#prices.keys()) if (!running.has(id)) this.#prices.delete(id)
    const isUnknown = (sale: Fields): boolean =>
      typeof sale['filledAt'] === 'number' && !this.#prices.has(text(sale['slotId']))
    if (!sales.some(isUnknown)) return
    const slots = await this.#door.ask('/api/codex/v1/sales/slots', signal).catch(() => [])
    for (const slot of list(slots).map(fields)) {
      const ask = fields(fields(slot['request'])['ask'])
      this.#prices.set(text(slot['id']), amount(ask['pricePerBytePerSecond']) * amount(ask['slotSize']))
    }
  }
}

function slotOf(sale: Fields, prices: ReadonlyMap<string, bigint>): ViewedSlot {
  const { doneBytes, totalBytes, until, why, collateral, provenIn, slotBytes, filledAt } = sale
  return {
    slotId: text(sale['slotId']),
    requestId: text(sale['requestId']),
    slotIndex: number(sale['slotIndex']),
    state: text(sale['state']),
    download: typeof doneBytes === 'number' && typeof totalBytes === 'number' ? { doneBytes, totalBytes } : undefined,
    proven: number(sale['proven']),
    missed: number(sale['missed']),
    why: typeof why === 'string' ? why : undefined,
    collateral: amount(collateral),
    provenIn: typeof provenIn === 'number' ? provenIn : undefined,
    slotBytes: typeof slotBytes === 'number' ? slotBytes : undefined,
    until: typeof until === 'number' ? until : undefined,
    weiPerSecond: prices.get(text(sale['slotId'])),
    filledAt: typeof filledAt === 'number' ? filledAt : undefined,
  }
}

function peerOf(peer: Fields): ViewedPeer {
  return viewedPeer({
    peerId: text(peer['peerId']),
    address: text(peer['address']),
    direction: peer['direction'] === 'inbound' ? 'inbound' : 'outbound',
    receivedBytes: number(peer['receivedBytes']),
    sentBytes: number(peer['sentBytes']),
  })
}

function offeredOf(availability: Fields): Offered {
  return {
    id: text(availability['id']),
    totalSize: number(availability['totalSize']),
    duration: number(availability['duration']),
    minPricePerBytePerSecond: amount(availability['minPricePerBytePerSecond']),
    totalCollateral: amount(availability['totalCollateral']),
    enabled: availability['enabled'] !== false,
    until: number(availability['until']),
  }
}

function alertOf(alert: Fields): ViewedAlert {
  const { atStake } = alert
  return {
    at: number(alert['at']),
    code: text(alert['code']),
    cause: text(alert['cause']),
    action: text(alert['action']),
    atStake: atStake === null ? undefined : amount(atStake),
    over: typeof alert['over'] === 'number' ? alert['over'] : undefined,
  }
}

function decisionOf(decision: Fields): SellerView['decisions'][number] {
  const { slotIndex } = decision
  return {
    at: number(decision['at']),
    requestId: text(decision['requestId']) as SellerView['decisions'][number]['requestId'],
    slotIndex: typeof slotIndex === 'number' ? slotIndex : undefined,
    verdict: text(decision['verdict']) as SellerView['decisions'][number]['verdict'],
    reasons: list(decision['reasons']).map(text),
  }
}
