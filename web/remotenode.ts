// The node of the program that serves this page, seen through its REST interface: read every two seconds, changed only where a button says so.

import { signal } from '@preact/signals'

import { CodexError } from '../src/lib/errors.ts'
import { explain } from './explain.ts'
import type { SellerView, ViewedAlert, ViewedSlot } from './sellerview.ts'

export interface NodePicture {
  readonly version: string
  readonly peerId: string
  readonly uptimeSeconds: number
  /** Why it does not do all that it was started for. */
  readonly reasons: readonly string[]
  readonly space: { readonly usedBytes: number; readonly reservedBytes: number; readonly totalBytes: number }
  /** Undefined where it does not sell. */
  readonly view: SellerView | undefined
}

export type RemoteState =
  | { readonly at: 'asking' | 'wants token' }
  | { readonly at: 'shows'; readonly picture: NodePicture }
  | { readonly at: 'gone'; readonly problem: string }

const LOOK_MS = 2000
const TOKEN_KEY = 'codex-light/token'
const DECISIONS = 20
const SHOWN_ENDED = 5
const FILLED = new Set(['SaleFilled', 'SaleProving', 'SalePayout'])

type Fields = Readonly<Record<string, unknown>>

export class RemoteNode {
  readonly state = signal<RemoteState>({ at: 'asking' })
  readonly problem = signal<string | undefined>(undefined)
  #token = sessionStorage.getItem(TOKEN_KEY) ?? ''

  /** Looks until `closing`. */
  run(closing: AbortSignal): void {
    void this.look(closing)
    const timer = setInterval(() => void this.look(closing), LOOK_MS)
    closing.addEventListener('abort', () => clearInterval(timer), { once: true })
  }

  /** Kept for as long as the tab is open. */
  giveToken(token: string, closing: AbortSignal): void {
    this.#token = token.trim()
    sessionStorage.setItem(TOKEN_KEY, this.#token)
    this.state.value = { at: 'asking' }
    void this.look(closing)
  }

  async pause(isPaused: boolean, closing: AbortSignal): Promise<void> {
    this.problem.value = undefined
    try {
      await this.#ask(isPaused ? 'pause' : 'resume', closing, 'POST')
      await this.look(closing)
    } catch (error) {
      this.problem.value = explain(error)
    }
  }

  async look(closing: AbortSignal): Promise<void> {
    if (this.state.value.at === 'wants token') return
    try {
      this.state.value = { at: 'shows', picture: await this.#picture(closing) }
    } catch (error) {
      if (closing.aborted) return
      this.state.value = CodexError.is(error, 'page/wants-token')
        ? { at: 'wants token' }
        : { at: 'gone', problem: explain(error) }
    }
  }

  async #picture(signal: AbortSignal): Promise<NodePicture> {
    const status = fields(await this.#ask('status', signal))
    const space = fields(status['space'])
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
      },
      view:
        market === null || fields(market)['selling'] === null
          ? undefined
          : await this.#view(fields(market), number(status['peers']), signal),
    }
  }

  async #view(market: Fields, peers: number, signal: AbortSignal): Promise<SellerView> {
    const [sales, ended, alerts, decisions, earnings, availabilities] = await Promise.all(
      ['sales', 'sales/ended', 'alerts', `decisions?count=${DECISIONS}`, 'earnings', 'availability'].map((row) =>
        this.#ask(row, signal),
      ),
    )
    const offered = list(availabilities).map(fields)
    const proofSeconds = Number(market['proofSeconds'] ?? NaN)
    return {
      host: text(market['host']),
      time: number(market['now']),
      periodSeconds: Math.max(1, number(market['period'])),
      outOfReach: market['endpoint'] === 'connected' ? undefined : text(market['problem']),
      holds: list(fields(market['selling'])['holds']).map(text) as SellerView['holds'],
      peers,
      spaceBytes: offered.reduce((sum, each) => sum + number(each['totalSize']), 0),
      freeCollateral: offered.reduce((sum, each) => sum + amount(each['totalRemainingCollateral']), 0n),
      proofSeconds: Number.isFinite(proofSeconds) ? [proofSeconds] : [],
      provesInDevelopment: typeof market['developmentMark'] === 'string',
      slots: list(sales).map((each) => slotOf(fields(each))),
      ended: list(ended)
        .slice(0, SHOWN_ENDED)
        .map((each) => slotOf(fields(each))),
      alerts: list(fields(alerts)['alerts']).map((each) => alertOf(fields(each))),
      decisions: list(decisions).map((each) => decisionOf(fields(each))),
      earnings: list(fields(earnings)['slots']).map((each) => {
        const { at, reward, lostCollateral } = fields(each)
        return { at: number(at), reward: amount(reward), lostCollateral: amount(lostCollateral) }
      }),
      tokens: undefined,
      maxMissed: number(market['maxSlashes']),
      slashPercentage: number(market['slashPercentage']),
    }
  }

  /** @throws CodexError `page/wants-token`, `page/node-gone`, `page/node-refused` */
  async #ask(row: string, signal: AbortSignal, method = 'GET'): Promise<unknown> {
    const headers = this.#token === '' ? {} : { Authorization: `Bearer ${this.#token}` }
    const response = await fetch(new URL(`/api/v1/${row}`, window.location.origin), { method, headers, signal }).catch(
      (cause: unknown) => {
        signal.throwIfAborted()
        throw new CodexError('page/node-gone', 'the node does not answer: see whether it still runs', { cause })
      },
    )
    if (response.status === 401) throw new CodexError('page/wants-token', 'this node wants its token')
    const body = await response.text()
    const found = parsed(body)
    if (response.ok) return found
    throw new CodexError('page/node-refused', text(fields(found)['title']) || `the node answered ${response.status}`)
  }
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

function slotOf(sale: Fields): ViewedSlot {
  const { doneBytes, totalBytes, until, why, collateral } = sale
  const state = text(sale['state'])
  return {
    slotId: text(sale['slotId']),
    requestId: text(sale['requestId']),
    slotIndex: number(sale['slotIndex']),
    state,
    download: typeof doneBytes === 'number' && typeof totalBytes === 'number' ? { doneBytes, totalBytes } : undefined,
    proven: number(sale['proven']),
    missed: number(sale['missed']),
    why: typeof why === 'string' ? why : undefined,
    collateral: amount(collateral),
    slotBytes: undefined,
    until: typeof until === 'number' ? until : undefined,
    weiPerSecond: undefined,
    filledAt: FILLED.has(state) ? number(sale['since']) : undefined,
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

// The node is our own program; these only keep a document of another release from breaking the page.

function fields(value: unknown): Fields {
  return Object(value) as Fields
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function number(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : 0
}

function amount(value: unknown): bigint {
  const isAmount =
    (typeof value === 'string' && /^\d{1,78}$/.test(value)) || (Number.isInteger(value) && Number(value) >= 0)
  return isAmount ? BigInt(value as string | number) : 0n
}
