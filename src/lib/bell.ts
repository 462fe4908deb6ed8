// A bell: wakes whoever listens, and is heard by who was busy meanwhile. It carries no message and counts nothing: many rings are one.

import type { AbortOptions } from './abort.ts'

export class Bell {
  #rings = 0
  readonly #waiting = new Set<() => void>()

  ring(): void {
    this.#rings++
    for (const wake of this.#waiting) wake()
    this.#waiting.clear()
  }

  /** Yields whenever the bell has rung since this call or the last yield. Rejects with `signal.reason`. */
  listen(options: AbortOptions): AsyncGenerator<void, never> {
    return this.#listen(this.#rings, options)
  }

  async *#listen(heardBefore: number, { signal }: AbortOptions): AsyncGenerator<void, never> {
    let heard = heardBefore
    for (;;) {
      signal.throwIfAborted()
      if (heard === this.#rings) await this.#next(signal)
      heard = this.#rings
      yield
    }
  }

  #next(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const wake = (): void => {
        signal.removeEventListener('abort', abort)
        resolve()
      }
      const abort = (): void => {
        this.#waiting.delete(wake)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', abort, { once: true })
      this.#waiting.add(wake)
    })
  }
}
