// Watches whether the data of a slot comes fast enough to be of use: here in time to be proven, and filled before it is too late. Whoever lets it trickle holds
// a worker, bytes and collateral of ours for minutes, not until the request expires.

import { formatDuration, formatSizes } from '../lib/format.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import { lastToProve } from './lasttoprove.ts'
import type { SaleContext } from './salecontext.ts'
import type { Declined } from './saleoutcome.ts'

/** Between two looks. */
const LOOK_SECONDS: Seconds = 15
/** Without a byte for longer it is given up; nor is it judged before so much time has passed. */
export const STALL_SECONDS: Seconds = 180
/** The pace is that of the latest such share of the time there was, so that a quick beginning does not cover for what follows… */
const WINDOW_SHARE = 0.1
/** …and never of more than this. */
const MAX_WINDOW_SECONDS: Seconds = 900

export interface DownloadPaceOrder {
  readonly totalBytes: Bytes
  /** Chain time before which the slot has to be filled. */
  readonly deadline: Seconds
}

interface Sample {
  readonly at: Seconds
  readonly doneBytes: Bytes
}

export class DownloadPace {
  readonly #context: SaleContext
  readonly #order: DownloadPaceOrder
  readonly #controller = new AbortController()
  readonly #ended = new AbortController()
  /** Aborts when the sale's signal does, or when the data cannot be here in time. */
  readonly signal: AbortSignal
  readonly #watching: Promise<void>
  readonly #start: Seconds
  readonly #windowSeconds: Seconds
  /** The oldest first; those but the first are within the window. */
  #samples: Sample[]
  #doneBytes: Bytes = 0
  #movedAt: Seconds
  #outcome: Declined | undefined

  /** Begins at once. */
  constructor(context: SaleContext, order: DownloadPaceOrder) {
    this.#context = context
    this.#order = order
    this.signal = AbortSignal.any([context.signal, this.#controller.signal])
    this.#start = context.clock.now()
    this.#movedAt = this.#start
    this.#samples = [{ at: this.#start, doneBytes: 0 }]
    const share = (order.deadline - this.#start) * WINDOW_SHARE
    this.#windowSeconds = Math.min(Math.max(share, STALL_SECONDS), MAX_WINDOW_SECONDS)
    // Its failure can only be the end of its own signal.
    this.#watching = this.#watch().catch(() => undefined)
  }

  note(doneBytes: Bytes): void {
    const now = this.#context.clock.now()
    // What was here before is told at once, and says nothing of the pace.
    if (now - this.#start < LOOK_SECONDS) this.#samples = [{ at: this.#start, doneBytes }]
    if (doneBytes > this.#doneBytes) this.#movedAt = now
    this.#doneBytes = doneBytes
  }

  /** How the sale ends for what the download threw. @throws that, where it was not given up here */
  outcomeOf(error: unknown): Declined {
    this.#context.signal.throwIfAborted()
    if (this.#outcome !== undefined) return this.#outcome
    throw error
  }

  /** Settles when it watches no more. */
  async end(): Promise<void> {
    this.#ended.abort()
    await this.#watching
  }

  async #watch(): Promise<void> {
    const { clock } = this.#context
    const signal = AbortSignal.any([this.signal, this.#ended.signal])
    for (;;) {
      await clock.until(clock.now() + LOOK_SECONDS, { signal })
      if (this.#isInTime()) continue
      const [done, total] = formatSizes(this.#doneBytes, this.#order.totalBytes)
      const told = `too slow to be here in time: ${done} of ${total} in ${formatDuration(clock.now() - this.#start)}`
      this.#outcome = { end: 'declined', why: 'too slow', told }
      return this.#controller.abort()
    }
  }

  #isInTime(): boolean {
    const { clock } = this.#context
    const { totalBytes, deadline } = this.#order
    const [now, doneBytes] = [clock.now(), this.#doneBytes]
    this.#samples.push({ at: now, doneBytes })
    while ((this.#samples[1]?.at ?? Infinity) <= now - this.#windowSeconds) this.#samples.shift()
    const leftBytes = totalBytes - doneBytes
    if (leftBytes <= 0 || now - this.#start <= STALL_SECONDS) return true
    if (now - this.#movedAt > STALL_SECONDS) return false
    const { at, doneBytes: before } = this.#samples[0] ?? { at: this.#start, doneBytes: 0 }
    const here = now + (leftBytes * (now - at)) / (doneBytes - before)
    return here <= lastToProve(this.#context, deadline)
  }
}
