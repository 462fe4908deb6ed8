// A provider in this tab: takes up the role, offers space, and looks at it each second. What it sees goes into signals; no markup.

import { signal } from '@preact/signals'

import type * as BrowserRoom from '../src/browser.ts'
import type { TabNode } from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import type { Seconds } from '../src/lib/units.ts'
import type { Cid } from '../src/protocol/cid.ts'
import { askDemo, findDemo } from './demooffer.ts'
import { explain } from './explain.ts'
import { Notices } from './notices.ts'
import { type BoughtRow, PurchaseWatch } from './purchasewatch.ts'
import { type SellerView, type ViewedSlot, viewedSlot } from './sellerview.ts'
import type { SellPlan, Terms } from './sellplan.ts'

type Trade = NonNullable<TabNode['trade']>
type Provider = NonNullable<Trade['provider']>
type Client = NonNullable<Trade['client']>
type Report = ReturnType<Provider['list']>[number]
export type Availability = ReturnType<Provider['reservations']['availabilities']>[number]

/** What there is to see, and to do. Plain data: other tabs get it too. */
export interface SellerPicture {
  readonly view: SellerView
  readonly availability: Availability | undefined
  /** Whether the demo's client can be asked for another purchase. */
  readonly canRequest: boolean
  readonly isDemo: boolean
  /** What this tab bought. */
  readonly bought: readonly BoughtRow[]
}

export type SellerPhase =
  | { readonly at: 'joining'; readonly what: string }
  | { readonly at: 'selling' }
  | { readonly at: 'failed'; readonly problem: string }

const LOOK_MS = 1000
const SOON_MS = 50
/** Looks between two questions to the chain, or the demo. */
const ASK_EVERY = 5
const SHOWN_DECISIONS = 20
const SHOWN_ENDED = 5
const LONGEST_SECONDS: Seconds = 30 * 86_400
const FILLED = new Set(['SaleFilled', 'SaleProving', 'SalePayout'])

export class Seller {
  readonly phase = signal<SellerPhase>({ at: 'joining', what: 'Looking for the circuit…' })
  readonly picture = signal<SellerPicture | undefined>(undefined)
  readonly problem = signal<string | undefined>(undefined)
  readonly notices = new Notices()
  readonly #room: Pick<typeof BrowserRoom, 'enterRoles'>
  readonly #node: TabNode
  readonly #plan: SellPlan
  readonly #bought = new PurchaseWatch()
  readonly #prices = new Map<string, bigint>()
  readonly #filled = new Map<string, Seconds>()
  #tokens: bigint | undefined
  #canRequest = false
  #looks = 0
  #isLookDue = false
  #signal: AbortSignal = AbortSignal.abort()

  constructor(room: Pick<typeof BrowserRoom, 'enterRoles'>, node: TabNode, plan: SellPlan) {
    this.#room = room
    this.#node = node
    this.#plan = plan
  }

  /** Settles when it sells, or cannot. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal
    try {
      const plan = this.#plan
      const circuit = await plan.circuit(signal)
      this.phase.value = { at: 'joining', what: 'Joining the network and the marketplace, loading the circuit…' }
      const key = await plan.key(this.#node)
      this.notices.watch(this.#node, signal)
      const roles = { ...plan.place, roles: ['provider', 'client'] as const, key, circuit }
      await this.#room.enterRoles(this.#node, { ...roles, ...(plan.demo && { pollSeconds: 1 }) }, { signal })
      plan.note()
      if (this.#provider.reservations.availabilities().length === 0) await this.#offerSpace()
      await this.#look(signal)
      this.phase.value = { at: 'selling' }
      const timer = setInterval(() => void this.#look(signal), LOOK_MS)
      this.#node.events.addEventListener('sale', () => this.#lookSoon(signal), { signal })
      signal.addEventListener('abort', () => clearInterval(timer), { once: true })
    } catch (error) {
      this.phase.value = { at: 'failed', problem: explain(error) }
    }
  }

  pause(): void {
    void this.#trying(() => this.#provider.pause())
  }

  resume(): void {
    void this.#trying(() => this.#provider.resume())
  }

  /** Of the one availability that this page keeps. */
  async change(terms: Terms): Promise<void> {
    await this.#trying(async () => {
      const [availability] = this.#provider.reservations.availabilities()
      if (availability === undefined) await this.#provider.createAvailability({ ...terms, duration: LONGEST_SECONDS })
      else await this.#provider.changeAvailability(availability.id, terms)
    })
  }

  /** Has the demo's client buy storage. */
  async request(): Promise<void> {
    this.#canRequest = false
    await this.#trying(() => askDemo('request'))
  }

  /** Has this tab buy storage for one of its files. @param tell hears how far it is @returns the request's id @throws CodexError as `Client.buy` */
  async buy(cid: Cid, wanted: Parameters<Client['buy']>[1], tell: (words: string) => void): Promise<string> {
    const { client } = this.#trade
    if (client === undefined) throw new CodexError('page/not-selling', 'this tab does not trade; reload the page')
    tell('Protecting the file…')
    const { id } = await client.buy(cid, wanted, {
      signal: this.#signal,
      progress: ({ doneBytes, totalBytes }) =>
        tell(`Protecting the file: ${Math.floor((100 * doneBytes) / Math.max(1, totalBytes))} %`),
    })
    return id
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

  async #offerSpace(): Promise<void> {
    const { quotaMaxBytes, quotaUsedBytes, quotaReservedBytes } = await this.#node.repo.space()
    const free = quotaMaxBytes - quotaUsedBytes - quotaReservedBytes
    // What a browser leaves may be less than suggested; some of it is for manifests.
    const { terms } = this.#plan
    const totalSize = Math.min(terms.totalSize, Math.floor(free / 2))
    await this.#provider.createAvailability({ ...terms, totalSize, duration: LONGEST_SECONDS })
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
    try {
      if (this.#looks++ % ASK_EVERY === 0) {
        this.#tokens = await this.#trade.market.tokenBalance({ signal }).catch(() => this.#tokens)
        if (this.#plan.demo !== undefined) this.#canRequest = (await findDemo())?.ready === true
        await this.#bought.look(this.#trade, signal)
      }
      const reports = this.#provider.list()
      await this.#learnPrices(reports, signal)
      const status = await this.#node.status()
      const [availability] = this.#provider.reservations.availabilities()
      this.picture.value = {
        view: this.#view(status, reports),
        availability,
        canRequest: this.#canRequest,
        isDemo: this.#plan.demo !== undefined,
        bought: this.#bought.rows,
      }
    } catch (error) {
      if (!signal.aborted) this.problem.value = explain(error)
    }
  }

  async #learnPrices(reports: readonly Report[], signal: AbortSignal): Promise<void> {
    for (const { requestId } of reports) {
      if (this.#prices.has(requestId)) continue
      const request = await this.#trade.market.request(requestId, { signal }).catch(() => undefined)
      if (request !== undefined) this.#prices.set(requestId, request.ask.pricePerBytePerSecond * request.ask.slotSize)
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
      peers: network?.peers.length ?? 0,
      spaceBytes: availabilities.reduce((sum, { totalSize }) => sum + totalSize, 0),
      freeCollateral: availabilities.reduce((sum, each) => sum + each.totalRemainingCollateral, 0n),
      proofSeconds: provider.meter.recentSeconds,
      provesInDevelopment: provider.meter.developmentMark !== undefined,
      slots: reports.map((report) => this.#slot(report)),
      ended: provider
        .ended()
        .slice(0, SHOWN_ENDED)
        .map((report) => this.#slot(report)),
      alerts,
      decisions: provider.decisions(SHOWN_DECISIONS),
      earnings: provider.earnings,
      tokens: this.#tokens,
      maxMissed: collateral.maxNumberOfSlashes,
      slashPercentage: collateral.slashPercentage,
    }
  }

  #slot(report: Report): ViewedSlot {
    const { slotId, state, since, requestId } = report
    if (FILLED.has(state) && !this.#filled.has(slotId)) this.#filled.set(slotId, since)
    return viewedSlot(report, { weiPerSecond: this.#prices.get(requestId), filledAt: this.#filled.get(slotId) })
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
