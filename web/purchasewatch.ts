// What became of what this tab bought, asked of the chain now and then. It buys nothing.

import type { TabNode } from '../src/browser.ts'
import type { Seconds } from '../src/lib/units.ts'
import { slotId } from '../src/protocol/ids.ts'

type Trade = NonNullable<TabNode['trade']>
type Purchase = NonNullable<Trade['client']>['purchasing']['purchases'][number]

export interface BoughtRow {
  readonly requestId: Purchase['id']
  readonly state: Purchase['state']
  readonly problem: string | undefined
  readonly slots: number
  /** Slots that have a provider; undefined where nobody was asked. */
  readonly filled: number | undefined
  /** Chain time; unknown until the chain has told. */
  readonly endsAt: Seconds | undefined
  /** What the whole of it may cost. */
  readonly costWei: bigint
}

/** Its slots have no providers yet, who fetch the file from here. */
export function isUnplaced({ state }: Pick<BoughtRow, 'state'>): boolean {
  return state === 'pending' || state === 'submitted'
}

/** Between two questions of a purchase whose slots have providers: they change by the hour, and there may be many. */
const STARTED_MS = 60_000
/** The latest first. */
const SHOWN = 5
const MAX_ASKED_SLOTS = 64

export class PurchaseWatch {
  #rows: readonly BoughtRow[] = []
  /** When those that go on were last asked about. */
  readonly #askedAtMs = new Map<string, number>()

  get rows(): readonly BoughtRow[] {
    return this.#rows
  }

  /** What cannot be asked now stays as it was. */
  async look({ client, market }: Trade, signal: AbortSignal, nowMs = performance.now()): Promise<void> {
    const purchases = client?.purchasing.purchases ?? []
    const latest = purchases.slice(-SHOWN).reverse()
    this.#rows = await Promise.all(latest.map((purchase) => this.#row(market, purchase, signal, nowMs)))
    for (const id of this.#askedAtMs.keys())
      if (!latest.some((purchase) => purchase.id === id)) this.#askedAtMs.delete(id)
  }

  async #row(market: Trade['market'], purchase: Purchase, signal: AbortSignal, nowMs: number): Promise<BoughtRow> {
    const { id, state, problem, request } = purchase
    const { slots, slotSize, duration, pricePerBytePerSecond } = request.ask
    const before = this.#rows.find(({ requestId }) => requestId === id)
    const isOver = purchase.outcome !== undefined
    const isFresh = before?.state === 'started' && nowMs - (this.#askedAtMs.get(id) ?? -Infinity) < STARTED_MS
    const known = { filled: before?.filled, endsAt: before?.endsAt }
    const asked = isOver || isFresh ? known : await ask(market, purchase, signal).catch(() => known)
    if (!isOver && !isFresh) this.#askedAtMs.set(id, nowMs)
    const costWei = slots * slotSize * duration * pricePerBytePerSecond
    return { requestId: id, state, problem, slots: Number(slots), costWei, ...asked }
  }
}

async function ask(
  market: Trade['market'],
  { id, request }: Purchase,
  signal: AbortSignal,
): Promise<Pick<BoughtRow, 'filled' | 'endsAt'>> {
  const count = Math.min(Number(request.ask.slots), MAX_ASKED_SLOTS)
  const [endsAt, ...states] = await Promise.all([
    market.requestEnd(id, { signal }),
    ...Array.from({ length: count }, (_, index) => market.slotState(slotId(id, index), { signal })),
  ])
  return { filled: states.filter((state) => state !== 'Free' && state !== 'Repair').length, endsAt }
}
