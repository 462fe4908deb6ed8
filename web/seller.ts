// A provider in this tab: takes up the role, offers space, and looks at it each second. What it sees goes into signals; no markup.

import { signal } from '@preact/signals'

import type * as BrowserRoom from '../src/browser.ts'
import type { TabNode } from '../src/browser.ts'
import type { Clock } from '../src/lib/clock.ts'
import { CodexError } from '../src/lib/errors.ts'
import { formatBytes, formatCount } from '../src/lib/format.ts'
import type { Bytes } from '../src/lib/units.ts'
import { isLocalChain } from '../src/protocol/localchains.ts'
import { buyStorage } from './buystorage.ts'
import type { Corner } from './corner.ts'
import { askDemo, findDemo, wasSelling } from './demooffer.ts'
import { explain } from './explain.ts'
import { KeptWatch } from './keptwatch.ts'
import { Notices } from './notices.ts'
import type { Entering } from './nottrading.tsx'
import { type BoughtRow, PurchaseWatch } from './purchasewatch.ts'
import { type SellerView, viewedPeer, viewedSlot } from './sellerview.ts'
import { type SellPlan, tellOffered, type Terms } from './sellplan.ts'
import { mayPass, pauseAfter } from './passing.ts'
import { tellWaiting } from './tellwaiting.ts'
import { checkRoom, largestSpace, type MarketSight } from './suggestedterms.ts'

type Trade = NonNullable<TabNode['trade']>
type Provider = NonNullable<Trade['provider']>
type Report = ReturnType<Provider['list']>[number]
export type Availability = ReturnType<Provider['reservations']['availabilities']>[number]

/** What there is to see, and to do. Plain data: other tabs get it too. */
export interface SellerPicture {
  readonly view: SellerView
  readonly offered: readonly Availability[]
  /** Whether the demo's client can be asked for another purchase. */
  readonly canRequest: boolean
  readonly isDemo: boolean
  /** What this tab bought. */
  readonly bought: readonly BoughtRow[]
}

export type SellerPhase =
  | Entering
  /** It proves what it has; nothing is offered, and a person says on which terms. `problem`: why those given did not do. */
  | { readonly at: 'wants terms'; readonly chainId: number; readonly problem?: string }
  | { readonly at: 'selling' }

const LOOK_MS = 1000
const SOON_MS = 50
/** Between two questions to the chain, or the demo. */
const ASK_MS = 5000
/** Steps of the picture, which other tabs get each second; what came before them is in the totals. */
const SHOWN_EARNINGS = 500
const SHOWN_DECISIONS = 20
const SHOWN_ENDED = 5
/** Between two looks whether the browser still keeps the data. */
const KEPT_MS = 3_600_000

type Room = Pick<typeof BrowserRoom, 'enterRoles' | 'storageEstimate' | 'probeStore' | 'lookAtMarket' | 'soldHere'>

export class Seller {
  readonly phase = signal<SellerPhase>({ at: 'joining', what: 'Looking for the circuit…' })
  readonly picture = signal<SellerPicture | undefined>(undefined)
  /** The slots that it held before this run, in words; undefined where there are none. */
  readonly held = signal<string | undefined>(undefined)
  readonly problem = signal<string | undefined>(undefined)
  /** What was done otherwise than asked for. */
  readonly news = signal<string | undefined>(undefined)
  readonly notices = new Notices()
  readonly #room: Room
  readonly #node: TabNode
  readonly #plan: SellPlan
  readonly #clock: Clock
  readonly #bought = new PurchaseWatch()
  /** Of running requests, for each second of a slot; undefined while it is asked. */
  readonly #prices = new Map<string, bigint | undefined>()
  #kept: KeptWatch | undefined
  /** Why it has not entered at the last try. */
  #problem: string | undefined
  #tokens: bigint | undefined
  #coins: bigint | undefined
  #canRequest = false
  /** Once it sells, the demo's client buys something: who joined wants to see it. */
  #isRequestDue = false
  #isAsking = false
  #askedAtMs = -Infinity
  #isLookDue = false
  #signal: AbortSignal = AbortSignal.abort()

  /** @param clock one that goes on in hidden tabs */
  constructor(room: Room, node: TabNode, plan: SellPlan, clock: Clock) {
    this.#room = room
    this.#node = node
    this.#plan = plan
    this.#clock = clock
  }

  /** Settles when it sells, or cannot. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    try {
      const plan = this.#plan
      this.notices.watch(this.#node, signal)
      // Records that cannot be read are told of when they are needed.
      this.held.value = (await this.#room.soldHere(this.#node, { signal }).catch(() => undefined))?.held
      // Known before anything may be sold.
      const estimate = await this.#room.storageEstimate()
      await this.#enter(signal)
      this.#isRequestDue = plan.demo !== undefined && !wasSelling(plan.demo)
      plan.note()
      this.#kept = new KeptWatch(this.#provider, isLocalChain(this.#trade.market.chainId))
      this.#kept.see(estimate, ...(await this.#lookAtStore()))
      const timer = setInterval(() => void this.checkKept(), KEPT_MS)
      signal.addEventListener('abort', () => clearInterval(timer), { once: true })
      const offered = this.#provider.reservations.availabilities()
      if (offered.length > 0) {
        await this.#sell(signal)
        if (plan.terms !== undefined && plan.demo === undefined) await this.#renew(plan.terms, offered)
        return
      }
      if (plan.terms === undefined) return this.#askForTerms()
      await this.offer(plan.terms).catch((error: unknown) => this.#askForTerms(explain(error)))
    } catch (error) {
      this.phase.value = { at: 'failed', problem: explain(error) }
    }
  }

  /** With slots to prove it does not give up for what may be over at the next try. */
  async #enter(signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#enterOnce(signal)
      } catch (error) {
        signal.throwIfAborted()
        if (this.held.value === undefined || !mayPass(error)) throw error
        const again = this.#clock.now() + pauseAfter(tries)
        const at = new Date(again * 1000).toLocaleTimeString()
        this.#problem = explain(error)
        this.#tellJoining(`Nothing is proven yet for ${this.held.value}. It tries again at ${at}.`)
        await this.#clock.until(again, { signal })
      }
    }
  }

  async #enterOnce(signal: AbortSignal): Promise<void> {
    const plan = this.#plan
    this.#tellJoining('Looking for the circuit…')
    const circuit = await plan.circuit(signal)
    this.#tellJoining('Joining the network and the marketplace, loading the circuit…')
    const key = await plan.key(this.#node)
    const roles = { ...plan.place, roles: ['provider', 'client'] as const, key, circuit }
    const telling = setInterval(() => this.#tellWaiting(), LOOK_MS)
    try {
      await this.#room.enterRoles(this.#node, { ...roles, ...(plan.demo && { pollSeconds: 1 }) }, { signal })
    } finally {
      clearInterval(telling)
    }
  }

  /** The problem of the last try stays in sight until another takes its place, or none is left. */
  #tellJoining(what: string, problem = this.#problem): void {
    this.phase.value = { at: 'joining', what, ...(problem !== undefined && { problem }) }
  }

  #tellWaiting(): void {
    const phase = this.phase.value
    const waiting = this.#node.waiting
    if (phase.at === 'joining') this.#tellJoining(phase.what, waiting && tellWaiting(waiting))
  }

  /** First terms. @throws CodexError `page/no-room`, `slab/probe-failed`, and as `Provider.createAvailability` */
  async offer(terms: Terms): Promise<void> {
    const freeBytes = await this.#freeBytes()
    const largest = largestSpace(freeBytes)
    const isLess = this.#plan.demo !== undefined && largest < terms.totalSize
    const offered = isLess ? { ...terms, totalSize: largest } : terms
    checkRoom(offered, freeBytes)
    await this.#room.probeStore(this.#node)
    await this.#provider.createAvailability(offered)
    if (isLess)
      this.news.value = `Offered are ${formatBytes(largest)} instead of ${formatBytes(terms.totalSize)}: more does not fit here.`
    await this.#sell(this.#signal)
  }

  /** New terms where something is offered already: they take its place. Where several are, nobody knows whose. */
  async #renew(terms: Terms, offered: readonly Availability[]): Promise<void> {
    const [only] = offered
    if (only === undefined || offered.length > 1) {
      this.news.value = `The new terms were not taken: ${formatCount(offered.length, 'offer')} of before stand. Change each of them below.`
      return
    }
    await this.#trying(async () => {
      const now = await this.change(terms, only.id)
      this.news.value = `What was offered before is offered on the new terms now. ${now}`
    })
  }

  /** What the key has, and what clients asked for of late. May reject. */
  see(signal: AbortSignal): Promise<MarketSight> {
    const { ethProvider = '', marketplace } = this.#plan.place
    const place = { url: ethProvider, ...(marketplace !== undefined && { marketplace }) }
    return this.#room.lookAtMarket(place, this.#trade.market.host, { signal })
  }

  /** Looks whether the browser keeps the data, and has room for what is promised: at the start, hourly, and when asked to. Never rejects. */
  async checkKept(): Promise<void> {
    try {
      const [estimate, store] = await Promise.all([this.#room.storageEstimate(), this.#lookAtStore()])
      this.#kept?.see(estimate, ...store)
    } catch (error) {
      if (!this.#signal.aborted) this.problem.value = explain(error)
    }
    if (this.phase.value.at === 'selling') this.#lookSoon(this.#signal)
  }

  /** What is stored and promised, and how large the file of blocks is. */
  #lookAtStore() {
    const { repo } = this.#node
    return Promise.all([repo.space(), repo.parts.slab.size()])
  }

  pause(): void {
    void this.#trying(() => this.#provider.pause()).then(() => this.#lookSoon(this.#signal))
  }

  /** Also where something else keeps it from taking slots: that is said, and stays. */
  resume(): void {
    void this.#trying(() => this.#provider.resume()).then(() => this.#lookSoon(this.#signal))
  }

  /**
   * @param id of the availability that is changed; undefined for another one
   * @returns what is offered now, in a sentence
   * @throws CodexError `page/no-room`, and as `Provider.changeAvailability`
   */
  async change(terms: Terms, id: string | undefined): Promise<string> {
    const availability = this.#provider.reservations.availabilities().find((each) => each.id === id)
    const beforeBytes = availability?.totalSize ?? 0
    if (terms.totalSize > beforeBytes) checkRoom(terms, (await this.#freeBytes()) + beforeBytes)
    if (availability === undefined) {
      await this.#room.probeStore(this.#node)
      await this.#provider.createAvailability(terms)
    } else await this.#provider.changeAvailability(availability.id, terms)
    this.#lookSoon(this.#signal)
    return tellOffered(terms)
  }

  /** Has the demo's client buy storage. */
  async request(): Promise<void> {
    this.#canRequest = false
    await this.#trying(() => askDemo('request'))
  }

  /** As {@link buyStorage}. */
  buy(...asked: Parameters<Corner['buy']>): Promise<string> {
    return buyStorage(this.#node.trade, asked, this.#signal)
  }

  /** Where its money is. */
  get network(): { readonly chainId: number; readonly token: string } {
    return this.#trade.market
  }

  get #trade(): Trade {
    const { trade } = this.#node
    if (trade === undefined) throw new CodexError('page/not-selling', 'this tab does not sell; reload the page')
    return trade
  }

  get #provider(): Provider {
    const { provider } = this.#trade
    if (provider === undefined) throw new CodexError('page/not-selling', 'this tab does not sell; reload the page')
    return provider
  }

  async #sell(signal: AbortSignal): Promise<void> {
    await this.#look(signal)
    this.phase.value = { at: 'selling' }
    const timer = setInterval(() => void this.#look(signal), LOOK_MS)
    this.#node.events.addEventListener('sale', () => this.#lookSoon(signal), { signal })
    signal.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  #askForTerms(problem?: string): void {
    const { chainId } = this.#trade.market
    this.phase.value = { at: 'wants terms', chainId, ...(problem !== undefined && { problem }) }
  }

  async #freeBytes(): Promise<Bytes> {
    const { quotaMaxBytes, quotaUsedBytes, quotaReservedBytes } = await this.#node.repo.space()
    return quotaMaxBytes - quotaUsedBytes - quotaReservedBytes
  }

  /** Something happened: it shows before the next second. */
  #lookSoon(signal: AbortSignal): void {
    if (this.#isLookDue) return
    this.#isLookDue = true
    setTimeout(() => {
      this.#isLookDue = false
      if (!signal.aborted) void this.#look(signal)
    }, SOON_MS)
  }

  async #look(signal: AbortSignal): Promise<void> {
    void this.#ask(signal)
    try {
      const reports = this.#provider.list()
      this.#learnPrices(reports, signal)
      const status = await this.#node.status()
      this.picture.value = {
        view: this.#view(status, reports),
        offered: this.#provider.reservations.availabilities(),
        canRequest: this.#canRequest,
        isDemo: this.#plan.demo !== undefined,
        bought: this.#bought.rows,
      }
    } catch (error) {
      if (!signal.aborted) this.problem.value = explain(error)
    }
  }

  /** Beside the looks, which are many while a slot is downloaded, and do not wait for an endpoint: they show what is known by then. */
  async #ask(signal: AbortSignal): Promise<void> {
    if (this.#isAsking || performance.now() - this.#askedAtMs < ASK_MS) return
    this.#isAsking = true
    this.#askedAtMs = performance.now()
    try {
      this.#tokens = await this.#trade.market.tokenBalance({ signal }).catch(() => undefined)
      this.#coins = await this.#trade.market.coinBalance({ signal }).catch(() => undefined)
      if (this.#plan.demo !== undefined) this.#canRequest = (await findDemo())?.ready === true
      if (this.#isRequestDue && this.#canRequest && this.#provider.holds.length === 0) {
        this.#isRequestDue = false
        await this.request()
      }
      await this.#bought.look(this.#trade, signal)
    } catch (error) {
      if (!signal.aborted) this.problem.value = explain(error)
    } finally {
      this.#isAsking = false
      this.#lookSoon(signal)
    }
  }

  #learnPrices(reports: readonly Report[], signal: AbortSignal): void {
    const running = new Set(reports.map(({ requestId }) => requestId))
    for (const id of this.#prices.keys()) if (!running.has(id as Report['requestId'])) this.#prices.delete(id)
    for (const id of running) {
      if (this.#prices.has(id)) continue
      this.#prices.set(id, undefined)
      this.#trade.market.request(id, { signal }).then(
        (request) => {
          if (request === undefined) return this.#prices.delete(id)
          this.#prices.set(id, request.ask.pricePerBytePerSecond * request.ask.slotSize)
          return this.#lookSoon(signal)
        },
        () => this.#prices.delete(id),
      )
    }
  }

  #view({ network }: Awaited<ReturnType<TabNode['status']>>, reports: readonly Report[]): SellerView {
    const provider = this.#provider
    const { market, alerts } = this.#trade
    const { collateral, proofs } = market.terms
    const endpoint = market.endpointStatus()
    const availabilities = provider.reservations.availabilities()
    return {
      host: market.host,
      time: market.clock.now(),
      periodSeconds: proofs.period,
      outOfReach: endpoint.state === 'connected' ? undefined : endpoint.problem,
      holds: provider.holds,
      keeping: this.#kept?.state.value ?? 'kept',
      peers: network?.peers.map(viewedPeer) ?? [],
      spaceBytes: availabilities.reduce((sum, { totalSize }) => sum + totalSize, 0),
      freeCollateral: availabilities.reduce((sum, each) => sum + each.totalRemainingCollateral, 0n),
      proofSeconds: provider.meter.recentSeconds,
      provesInDevelopment: provider.meter.developmentMark !== undefined,
      slots: reports.map((report) => viewedSlot(report, this.#prices.get(report.requestId))),
      ended: provider
        .ended()
        .slice(0, SHOWN_ENDED)
        .map((report) => viewedSlot(report, undefined)),
      alerts,
      decisions: provider.decisions(SHOWN_DECISIONS),
      earnings: provider.earnings.slice(-SHOWN_EARNINGS),
      earningTotals: provider.earningTotals,
      // That of before says nothing of now.
      ...(endpoint.state === 'connected'
        ? { tokens: this.#tokens, coins: this.#coins }
        : { tokens: undefined, coins: undefined }),
      maxMissed: collateral.maxNumberOfSlashes,
      slashPercentage: collateral.slashPercentage,
    }
  }

  async #trying(act: () => Promise<void>): Promise<void> {
    this.problem.value = undefined
    try {
      await act()
    } catch (error) {
      this.problem.value = explain(error)
    }
  }
}
