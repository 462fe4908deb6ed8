// Counts the calls inside a store, so that closing can wait for them and refuse later ones. It orders nothing and locks nothing.

import { CodexError } from '../lib/errors.ts'

export class VerbGate {
  #inside = 0
  #closing: Promise<void> | undefined
  #emptied: (() => void) | undefined

  /** Whether closing has begun. */
  get closed(): boolean {
    return this.#closing !== undefined
  }

  /** Runs `verb` at once and passes on how it settles. @throws CodexError `datastore/closed` once closing has begun */
  async run<T>(verb: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined)
      throw new CodexError('datastore/closed', 'expected an open datastore, found it closed; open it again')
    this.#inside++
    try {
      return await verb()
    } finally {
      this.#inside--
      if (this.#inside === 0) this.#emptied?.()
    }
  }

  /** Refuses new calls, waits for those inside, then runs `release`, once: later calls share the first one's promise. */
  close(release: () => Promise<void>): Promise<void> {
    this.#closing ??= this.#drain().then(release)
    return this.#closing
  }

  async #drain(): Promise<void> {
    if (this.#inside === 0) return
    await new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
  }
}
