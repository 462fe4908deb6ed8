// How fast a peer delivers, measured once a second, and how much may be asked of it ahead. It knows no peer and no block.

import { KiB, MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'

/** Of a peer that has not delivered yet. */
export const FIRST_RATE: Bytes = 4 * MiB
/** As much is asked ahead as the peer delivers in this time: enough to keep it busy, and not all lost when it falls silent. */
export const WINDOW_SECONDS = 2
export const MIN_WINDOW_BYTES: Bytes = 256 * KiB
export const MAX_WINDOW_BYTES: Bytes = 12 * MiB
/** Weight of the newest second. */
const SMOOTHING = 0.3

export class RateMeter {
  #bytesPerSecond: number = FIRST_RATE
  #inThisSpan: Bytes = 0

  get bytesPerSecond(): number {
    return this.#bytesPerSecond
  }

  /** Bytes that may be asked for and not delivered yet. */
  get windowBytes(): Bytes {
    return Math.min(Math.max(this.#bytesPerSecond * WINDOW_SECONDS, MIN_WINDOW_BYTES), MAX_WINDOW_BYTES)
  }

  add(bytes: Bytes): void {
    this.#inThisSpan += bytes
  }

  /**
   * Ends a span. @param isBehind whether something is still asked of the peer: then the span shows what it can do, else only what was wanted
   */
  end(seconds: number, isBehind: boolean): void {
    const measured = this.#inThisSpan / Math.max(seconds, 1)
    this.#inThisSpan = 0
    if (measured > this.#bytesPerSecond) this.#bytesPerSecond = measured
    else if (isBehind) this.#bytesPerSecond += SMOOTHING * (measured - this.#bytesPerSecond)
  }
}
