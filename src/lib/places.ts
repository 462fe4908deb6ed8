// So many at once, in the order of asking. As a mutex, it guards awaits within one thread.

import type { AbortOptions } from './abort.ts'
import { raceAbort } from './abort.ts'
import { assert } from './errors.ts'

export class Places {
  /** Everyone in line, first the one who goes next, by the call that lets him go. */
  readonly #line = new Set<() => void>()
  #free: number

  constructor(count: number) {
    assert(count >= 1, `at least one at once, found ${count}`)
    this.#free = count
  }

  /** How many are in line. */
  get waiting(): number {
    return this.#line.size
  }

  /** Settles when there is a place, with the call that leaves it, whose repetition does nothing. Rejects with the signal's reason. */
  async enter({ signal }: AbortOptions): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#waitInLine(signal)
    let isIn = true
    return () => {
      if (isIn) this.#passOn()
      isIn = false
    }
  }

  /** Runs `work` in a place of its own. Rejects with the signal's reason while in line; once begun only `work` can heed it. */
  async run<T>(work: () => Promise<T>, options: AbortOptions): Promise<T> {
    const leave = await this.enter(options)
    try {
      return await work()
    } finally {
      leave()
    }
  }

  #passOn(): void {
    const [next] = this.#line
    if (next === undefined) this.#free++
    else {
      this.#line.delete(next)
      next()
    }
  }

  async #waitInLine(signal: AbortSignal): Promise<void> {
    let go: () => void = () => undefined
    const turn = new Promise<void>((resolve) => {
      go = resolve
    })
    this.#line.add(go)
    try {
      await raceAbort(turn, signal)
    } catch (reason) {
      // Aborted after the place was handed over but before this ran: it is ours and must go on.
      if (!this.#line.delete(go)) this.#passOn()
      throw reason
    }
  }
}
