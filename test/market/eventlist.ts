// Collects a market's events in the background, and knows what holds after all that was undone. Not a test.

import type { Market } from '../../src/market/market.ts'
import type { ContractEvent, MarketEvent } from '../../src/market/marketevent.ts'

export class EventList {
  /** As they came. */
  readonly told: MarketEvent[] = []
  readonly #controller = new AbortController()
  readonly #done: Promise<void>

  constructor(market: Market, from = 0) {
    this.#done = this.#collect(market, from)
  }

  /** What holds: told and not undone, in the order of telling. Throws where what was undone had not been told. */
  get standing(): readonly ContractEvent[] {
    const standing: ContractEvent[] = []
    for (const event of this.told) {
      if (event.type !== 'undone') {
        if (standing.some((other) => identity(other) === identity(event)))
          throw new Error(`told twice: ${identity(event)}`)
        standing.push(event)
        continue
      }
      const last = standing.pop()
      if (last === undefined || identity(last) !== identity(event.event))
        throw new Error(`undone out of order: ${identity(event)}`)
    }
    return standing
  }

  get types(): readonly string[] {
    return this.standing.map(({ type }) => type)
  }

  async stop(): Promise<void> {
    this.#controller.abort(new Error('enough'))
    await this.#done
  }

  async #collect(market: Market, from: number): Promise<void> {
    try {
      for await (const event of market.events({ from, signal: this.#controller.signal })) this.told.push(event)
    } catch (error) {
      if (!this.#controller.signal.aborted) throw error
    }
  }
}

function identity({ blockHash, logIndex, type }: MarketEvent): string {
  return `${type} ${blockHash}/${logIndex}`
}
