// Many waits on one signal through one listener: a pipeline runs hundreds of jobs under its own signal, and Node warns of a leak at
// the eleventh listener.

export class AbortWatch {
  readonly #heeders = new Map<AbortSignal, Set<() => void>>()

  /** Calls `heed` once when `signal`, not aborted yet, aborts; in the order of watching. The result ends the watching. */
  watch(signal: AbortSignal, heed: () => void): () => void {
    const heeders = this.#heeders.get(signal) ?? this.#listen(signal)
    heeders.add(heed)
    return () => {
      heeders.delete(heed)
      if (heeders.size > 0 || this.#heeders.get(signal) !== heeders) return
      this.#heeders.delete(signal)
      signal.removeEventListener('abort', this.#tell)
    }
  }

  #listen(signal: AbortSignal): Set<() => void> {
    const heeders = new Set<() => void>()
    this.#heeders.set(signal, heeders)
    signal.addEventListener('abort', this.#tell, { once: true })
    return heeders
  }

  readonly #tell = ({ currentTarget }: Event): void => {
    const signal = currentTarget as AbortSignal
    const heeders = this.#heeders.get(signal)
    this.#heeders.delete(signal)
    for (const heed of heeders ?? []) heed()
  }
}
