// How fast a transfer goes and how long it will take. Arithmetic only: its owner says what time it is.

import type { Bytes } from '../src/lib/units.ts'

/** The rate is that of the last so many milliseconds, so that it follows a slow disk but does not flicker. */
const WINDOW_MS = 5000
/** Below this span a rate would be a guess. */
const MIN_SPAN_MS = 200
const MAX_SAMPLES = 200

export interface Progress {
  readonly doneBytes: Bytes
  /** 0 until it is known. */
  readonly bytesPerSecond: number
  readonly secondsLeft: number | undefined
}

export class ProgressMeter {
  readonly #totalBytes: Bytes
  #samples: { readonly atMs: number; readonly doneBytes: Bytes }[] = []

  constructor(totalBytes: Bytes) {
    this.#totalBytes = totalBytes
  }

  /** @param atMs never decreasing, from any beginning */
  advance(doneBytes: Bytes, atMs: number): Progress {
    const recent = this.#samples.filter((sample) => atMs - sample.atMs <= WINDOW_MS).slice(-MAX_SAMPLES)
    // At least one older sample stays, or a transfer slower than the window would have no rate at all.
    this.#samples = [...(recent.length > 0 ? recent : this.#samples.slice(-1)), { atMs, doneBytes }]
    const first = this.#samples[0]
    const spanMs = first === undefined ? 0 : atMs - first.atMs
    const gained = first === undefined ? 0 : doneBytes - first.doneBytes
    if (spanMs < MIN_SPAN_MS || gained <= 0) return { doneBytes, bytesPerSecond: 0, secondsLeft: undefined }
    const bytesPerSecond = (gained * 1000) / spanMs
    return { doneBytes, bytesPerSecond, secondsLeft: Math.ceil((this.#totalBytes - doneBytes) / bytesPerSecond) }
  }
}
