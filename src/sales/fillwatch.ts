// Watches, until the fill is sent, whether the slot can still become ours. Events only wake it; the chain's state decides. Nothing of ours is in
// the chain meanwhile: a wrong answer costs a chance at most.

import { insist } from '../lib/insist.ts'
import { PokedWait } from '../lib/pokedwait.ts'
import type { Seconds } from '../lib/units.ts'
import type { SaleContext } from './salecontext.ts'
import type { SaleOutcome } from './saleoutcome.ts'

/** However quiet it is. */
const LOOK_SECONDS: Seconds = 60

export class FillWatch {
  readonly #context: SaleContext
  readonly #controller = new AbortController()
  /** Aborts when the sale's signal does, or when the slot is lost to us. */
  readonly signal: AbortSignal
  readonly #ended = new AbortController()
  readonly #watching: Promise<void>
  #outcome: SaleOutcome | undefined

  /** Begins at once. */
  constructor(context: SaleContext) {
    this.#context = context
    this.signal = AbortSignal.any([context.signal, this.#controller.signal])
    // Its failure can only be the end of its own signal.
    this.#watching = this.#watch().catch(() => undefined)
  }

  /** How the sale ended, once {@link FillWatch.signal} aborted for that reason. */
  get outcome(): SaleOutcome | undefined {
    return this.#outcome
  }

  /** Settles when it watches no more. */
  async end(): Promise<void> {
    this.#ended.abort()
    await this.#watching
  }

  async #watch(): Promise<void> {
    const { clock, pokes } = this.#context
    const signal = AbortSignal.any([this.signal, this.#ended.signal])
    const wait = new PokedWait(clock, pokes, signal)
    const context = { ...this.#context, signal, wait }
    try {
      for (;;) {
        const outcome = await lookFor(context)
        if (outcome !== undefined) {
          this.#outcome = outcome
          this.#controller.abort()
          return
        }
        await wait.atMost(LOOK_SECONDS)
      }
    } finally {
      wait.end()
    }
  }
}

/** How the sale has to end, if it has. */
async function lookFor(context: SaleContext): Promise<SaleOutcome | undefined> {
  const { market, slot, id, signal } = context
  switch (await insist(context, () => market.slotState(id, { signal }))) {
    case 'Filled':
      return { end: 'declined', why: 'filled by another host' }
    case 'Cancelled':
      return { end: 'cancelled', filled: false }
    case 'Failed':
      return { end: 'failed', filled: false }
    case 'Finished':
    case 'Paid':
      return { end: 'declined', why: 'slot not free' }
    case 'Free':
    case 'Repair':
  }
  // A slot that nobody ever filled reads free whatever became of its request.
  switch (await insist(context, () => market.requestState(slot.requestId, { signal }))) {
    case 'Cancelled':
      return { end: 'cancelled', filled: false }
    case 'Failed':
      return { end: 'failed', filled: false }
    case 'Finished':
      return { end: 'declined', why: 'slot not free' }
    case 'New':
    case 'Started':
    case undefined:
      return undefined
  }
}
