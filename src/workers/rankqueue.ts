// Who goes next: jobs by rank, then by age, and none passed over for ever. Pure order; it starts nothing and waits for nothing.

import { assert } from '../lib/errors.ts'
import { IndexedHeap } from '../lib/heap.ts'

/** Highest first: a missed duty costs collateral, a missed sale only a chance, background work nothing. */
export const RANKS = ['duty', 'sale', 'background'] as const

export type Rank = (typeof RANKS)[number]

/**
 * So many jobs of higher rank may go before the first waiting job of a rank; then that one goes, whatever else waits. With one more
 * rank starved at the same moment it is one start later: a job with n of its own rank before it goes after at most
 * (n + 1) * (MAX_PASSED_OVER + 2) starts.
 */
export const MAX_PASSED_OVER = 16

export interface Ranked {
  readonly rank: Rank
  /** Unique, and smaller for whoever asked earlier. */
  readonly ticket: number
}

interface Lane<Item> {
  readonly waiting: IndexedHeap<number, Item>
  /** Starts of higher ranks since this lane was last served or empty. */
  passedOver: number
}

export class RankQueue<Item extends Ranked> {
  /** Each rank has its own room, so that background work never takes the place of a duty. */
  readonly limitPerRank: number
  readonly #lanes: Readonly<Record<Rank, Lane<Item>>> = { duty: lane(), sale: lane(), background: lane() }

  constructor(limitPerRank: number) {
    assert(
      Number.isSafeInteger(limitPerRank) && limitPerRank >= 1,
      `a rank holds at least one job, not ${limitPerRank}`,
    )
    this.limitPerRank = limitPerRank
  }

  get size(): number {
    return RANKS.reduce((sum, rank) => sum + this.#lanes[rank].waiting.size, 0)
  }

  /** False, and nothing changed, when the item's rank is full. */
  push(item: Item): boolean {
    if (this.#lanes[item.rank].waiting.size >= this.limitPerRank) return false
    this.putBack(item)
    return true
  }

  /** Puts a taken item back to where its ticket belongs, beyond the limit too: it was counted when it first came. */
  putBack(item: Item): void {
    const isNew = this.#lanes[item.rank].waiting.push(item.ticket, item)
    assert(isNew, `ticket ${item.ticket} waits only once`)
  }

  /** Takes out the one who goes next. */
  take(): Item | undefined {
    const next = this.#next()
    if (next === undefined) return undefined
    const { waiting } = this.#lanes[next]
    this.#lanes[next].passedOver = 0
    for (const lower of RANKS.slice(RANKS.indexOf(next) + 1)) {
      if (this.#lanes[lower].waiting.size > 0) this.#lanes[lower].passedOver++
    }
    return waiting.pop()?.item
  }

  /** False when it does not wait here. */
  remove(item: Item): boolean {
    const from = this.#lanes[item.rank]
    if (from.waiting.remove(item.ticket) === undefined) return false
    if (from.waiting.size === 0) from.passedOver = 0
    return true
  }

  /** Takes out all of them, in the order of {@link take}. */
  drain(): Item[] {
    const all: Item[] = []
    for (let item = this.take(); item !== undefined; item = this.take()) all.push(item)
    return all
  }

  #next(): Rank | undefined {
    const occupied = RANKS.filter((rank) => this.#lanes[rank].waiting.size > 0)
    return occupied.find((rank) => this.#lanes[rank].passedOver >= MAX_PASSED_OVER) ?? occupied[0]
  }
}

function lane<Item extends Ranked>(): Lane<Item> {
  return { waiting: new IndexedHeap((a, b) => a.ticket - b.ticket), passedOver: 0 }
}
