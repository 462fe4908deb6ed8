// Turns at something that only so many may use at once, in the order of asking: whoever asks again stands at the end of the line.

import type { AbortOptions } from '../lib/abort.ts'
import { raceAbort } from '../lib/abort.ts'
import { assert } from '../lib/errors.ts'

export class Turns {
  #free: number
  readonly #line = new Set<() => void>()

  constructor(atOnce: number) {
    assert(atOnce >= 1, `at least one at once, found ${atOnce}`)
    this.#free = atOnce
  }

  /** Runs `work` when it is its turn. Rejects with `signal.reason` while in line; once begun only `work` can heed it. */
  async run<T>(work: () => Promise<T>, { signal }: AbortOptions): Promise<T> {
    signal.throwIfAborted()
    if (this.#free > 0) this.#free--
    else await this.#waitInLine(signal)
    try {
      return await work()
    } finally {
      this.#passOn()
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
    let go: () => void = () => {}
    const turn = new Promise<void>((resolve) => {
      go = resolve
    })
    this.#line.add(go)
    try {
      await raceAbort(turn, signal)
    } catch (reason) {
      // Handed over and aborted in the same moment: the turn goes on to the next.
      if (!this.#line.delete(go)) this.#passOn()
      throw reason
    }
  }
}
