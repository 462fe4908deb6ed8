// A provider in this tab: takes up the role, offers space, and looks at it each second. What it sees goes into signals; no markup.

import { signal } from '@preact/signals'

import type * as BrowserRoom from '../src/browser.ts'
import type { TabNode } from '../src/browser.ts'
import { CodexError } from '../src/lib/errors.ts'
import { MiB } from '../src/lib/units.ts'
import type { Bytes, Seconds } from '../src/lib/units.ts'
import { circuitBeside } from './circuitbeside.ts'
import type { DemoOffer } from './demooffer.ts'
import { findDemo, noteSelling } from './demooffer.ts'
import { explain } from './explain.ts'

type Trade = NonNullable<TabNode['trade']>
type Provider = NonNullable<Trade['provider']>
type Status = Awaited<ReturnType<TabNode['status']>>
type Report = ReturnType<Provider['list']>[number]
export type Availability = ReturnType<Provider['reservations']['availabilities']>[number]
export type Decision = ReturnType<Provider['decisions']>[number]
export type Earning = Provider['earnings'][number]

/** A slot as the page shows it. */
export interface SlotRow extends Report {
  /** What it pays each second; unknown until the chain has told. */
  readonly weiPerSecond: bigint | undefined
  /** Chain time of the fill, or of the first look at a filled slot. */
  readonly filledAt: Seconds | undefined
}

export interface SellerPicture {
  readonly status: Status
  readonly trade: NonNullable<Status['trade']>
  readonly rows: readonly SlotRow[]
  readonly ended: readonly Report[]
  readonly decisions: readonly Decision[]
  readonly earnings: readonly Earning[]
  readonly tokens: bigint | undefined
  readonly maxMissed: number
  readonly slashPercentage: number
  /** Whether the demo's client can be asked for another purchase. */
  readonly canRequest: boolean
}

/** What the editor changes. */
export interface Terms {
  readonly totalSize: Bytes
  readonly minPricePerBytePerSecond: bigint
  readonly totalCollateral: bigint
}

export type SellerPhase =
  | { readonly at: 'joining'; readonly what: string }
  | { readonly at: 'selling' }
  | { readonly at: 'failed'; readonly problem: string }

const LOOK_MS = 1000
/** Looks between two questions to the chain, or the demo. */
const ASK_EVERY = 5
const SHOWN_DECISIONS = 20
const SHOWN_ENDED = 5
const SUGGESTED_BYTES = 64 * MiB
const SUGGESTED: Terms = { totalSize: SUGGESTED_BYTES, minPricePerBytePerSecond: 1n, totalCollateral: 10n ** 12n }
const LONGEST_SECONDS: Seconds = 30 * 86_400
const FILLED = new Set(['SaleFilled', 'SaleProving', 'SalePayout'])
export class Seller {
  readonly phase = signal<SellerPhase>({ at: 'joining', what: 'Looking for the circuit…' })
  readonly picture = signal<SellerPicture | undefined>(undefined)
  readonly problem = signal<string | undefined>(undefined)
  readonly #room: Pick<typeof BrowserRoom, 'enterRoles'>
  readonly #node: TabNode
  readonly #offer: DemoOffer
  readonly #prices = new Map<string, bigint>()
  readonly #filled = new Map<string, Seconds>()
  #tokens: bigint | undefined
  #canRequest = false
  #looks = 0

  constructor(room: Pick<typeof BrowserRoom, 'enterRoles'>, node: TabNode, offer: DemoOffer) {
    this.#room = room
    this.#node = node
    this.#offer = offer
  }

  /** Settles when it sells, or cannot. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      const circuit = await circuitBeside(signal)
      if (circuit === undefined)
        throw new CodexError('page/no-circuit', 'this page came without a circuit to prove with')
      this.phase.value = { at: 'joining', what: 'Joining the network and the marketplace, loading the circuit…' }
      const { ethProvider, marketplace, bootstrap, key, circuitShape } = this.#offer
      const roles = { roles: ['provider'] as const, ethProvider, marketplace, bootstrap, key, circuit, circuitShape }
      await this.#room.enterRoles(this.#node, { ...roles, pollSeconds: 1 }, { signal })
      noteSelling(this.#offer)
      if (this.#provider.reservations.availabilities().length === 0) await this.#offerSpace()
      await this.#look(signal)
      this.phase.value = { at: 'selling' }
      const timer = setInterval(() => void this.#look(signal), LOOK_MS)
      signal.addEventListener('abort', () => clearInterval(timer), { once: true })
    } catch (error) {
      this.phase.value = { at: 'failed', problem: explain(error) }
    }
  }

  pause(): void {
    this.#provider.pause()
  }

  resume(): void {
    this.#provider.resume()
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
    await this.#trying(async () => {
      const response = await fetch(new URL('/demo/request', window.location.origin), {
        method: 'POST',
        headers: { 'X-Codex-Light': 'page' },
      })
      if (!response.ok) throw new CodexError('page/no-request', (await response.text()).trim())
    })
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
    const totalSize = Math.min(SUGGESTED_BYTES, Math.floor(free / 2))
    await this.#provider.createAvailability({ ...SUGGESTED, totalSize, duration: LONGEST_SECONDS })
  }

  async #look(signal: AbortSignal): Promise<void> {
    try {
      if (this.#looks++ % ASK_EVERY === 0) {
        this.#tokens = await this.#trade.market.tokenBalance({ signal }).catch(() => this.#tokens)
        this.#canRequest = (await findDemo())?.ready === true
      }
      const status = await this.#node.status()
      if (status.trade === undefined) return
      const { collateral } = this.#trade.market.terms
      const reports = this.#provider.list()
      await this.#learnPrices(reports, signal)
      this.picture.value = {
        status,
        trade: status.trade,
        rows: reports.map((report) => this.#row(report)),
        ended: this.#provider.ended().slice(0, SHOWN_ENDED),
        decisions: this.#provider.decisions(SHOWN_DECISIONS),
        earnings: this.#provider.earnings,
        tokens: this.#tokens,
        maxMissed: collateral.maxNumberOfSlashes,
        slashPercentage: collateral.slashPercentage,
        canRequest: this.#canRequest,
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

  #row(report: Report): SlotRow {
    const { slotId, state, since, requestId } = report
    if (FILLED.has(state) && !this.#filled.has(slotId)) this.#filled.set(slotId, since)
    return { ...report, weiPerSecond: this.#prices.get(requestId), filledAt: this.#filled.get(slotId) }
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
