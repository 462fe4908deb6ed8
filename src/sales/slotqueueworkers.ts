// The workers of the slot queue: so many items are worked on at once. A worker is free as soon as its slot is decided, however long the sale
// goes on from there.

import type { AbortOptions } from '../lib/abort.ts'
import { ChildAbort } from '../lib/childabort.ts'
import { nextTask } from '../lib/nexttask.ts'
import { Scope } from '../lib/scope.ts'
import type { SlotQueue } from './slotqueue.ts'
import type { SlotQueueItem } from './slotqueueitem.ts'

/** How many slots are prepared and downloaded at once. */
export const DEFAULT_WORKERS = 3

/** Items decided between two turns of the event loop. */
const ITEMS_PER_TASK = 32

/**
 * Looks at one slot until it is decided: filled, given up, or not for us. `again`: nothing of ours matched it. May reject; the slot is given
 * up then. Must heed its signal.
 */
export type DecideSlot = (item: SlotQueueItem, options: AbortOptions) => Promise<'decided' | 'again'>

export interface SlotQueueWorkersParts {
  readonly queue: Pick<SlotQueue, 'take' | 'finish'>
  readonly decide: DecideSlot
  /** Hears of what found no room when one of these came back, be it that one or another. Must not throw. */
  readonly pressedOut: (item: SlotQueueItem) => void
  /** Hears of each item whose decision failed. Must not throw. */
  readonly report: (error: unknown, item: SlotQueueItem) => void
}

export class SlotQueueWorkers {
  readonly #parts: SlotQueueWorkersParts
  readonly #count: number
  #scope: Scope | undefined
  #busy = 0
  #decided = 0

  constructor(parts: SlotQueueWorkersParts, count: number = DEFAULT_WORKERS) {
    this.#parts = parts
    this.#count = count
  }

  get isRunning(): boolean {
    return this.#scope !== undefined
  }

  /** How many work on an item now. */
  get busy(): number {
    return this.#busy
  }

  /** A second call is a no-op. */
  start({ signal }: AbortOptions): void {
    if (this.#scope !== undefined) return
    const scope = new Scope({
      signal,
      // What goes wrong with an item is reported with it; the rest are mistakes of our own.
      report: (error) => {
        throw error
      },
    })
    this.#scope = scope
    for (let worker = 0; worker < this.#count; worker++)
      scope.spawn(`slot queue worker ${worker}`, (own) => this.#work(new ChildAbort(own).signal))
  }

  /** Settles when no item is worked on any more; items that wait stay in the queue. */
  async stop(): Promise<void> {
    const scope = this.#scope
    this.#scope = undefined
    await scope?.close()
  }

  async #work(signal: AbortSignal): Promise<void> {
    for (;;) {
      // What is decided without a question to anybody would keep all other tasks waiting.
      if (++this.#decided % ITEMS_PER_TASK === 0) await nextTask()
      const item = await this.#parts.queue.take({ signal })
      this.#busy++
      let verdict: Awaited<ReturnType<DecideSlot>> = 'decided'
      try {
        verdict = await this.#parts.decide(item, { signal })
      } catch (error) {
        if (!signal.aborted) this.#parts.report(error, item)
      } finally {
        this.#busy--
        const outcome = this.#parts.queue.finish(item, verdict === 'again')
        if (outcome?.is === 'no room') this.#parts.pressedOut(item)
        else if (outcome?.is === 'queued' && outcome.evicted !== undefined) this.#parts.pressedOut(outcome.evicted)
      }
    }
  }
}
