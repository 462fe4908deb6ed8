// Wakes the one loop that waits at it. Ringing while nobody waits is remembered once; what there is to do, the loop looks up itself.

import type { AbortOptions } from '../lib/abort.ts'
import { assert } from '../lib/errors.ts'
import { raceAbort } from '../lib/abort.ts'

export class Doorbell {
  #hasRung = false
  #wake: (() => void) | undefined

  ring(): void {
    this.#hasRung = true
    this.#wake?.()
  }

  /** Settles at the next ring, at once when it has rung since the last wait. Rejects with `signal.reason`. */
  async wait({ signal }: AbortOptions): Promise<void> {
    assert(this.#wake === undefined, 'one loop waits at a doorbell')
    if (!this.#hasRung) {
      const rung = new Promise<void>((resolve) => {
        this.#wake = resolve
      })
      try {
        await raceAbort(rung, signal)
      } finally {
        this.#wake = undefined
      }
    }
    signal.throwIfAborted()
    this.#hasRung = false
  }
}
