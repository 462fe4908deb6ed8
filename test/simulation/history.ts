// What happened in a simulated world, as a fingerprint, and what of all that may happen did. It decides nothing.

import { sha256 } from '@noble/hashes/sha2.js'
import { toHex, utf8 } from '../../src/lib/bytes.ts'

/** Lines hashed at once. */
const BATCH_LINES = 512

export class History {
  readonly #hash = sha256.create()
  readonly #coverage = new Map<string, number>()
  #lines: string[] = []
  #steps = 0

  /** Events delivered to nodes so far. */
  get steps(): number {
    return this.#steps
  }

  /** One event that some node handles. */
  deliver(line: string, events = 1): void {
    this.#steps += events
    this.note(line)
  }

  /** What followed from it. */
  note(line: string): void {
    this.#lines.push(line)
    if (this.#lines.length >= BATCH_LINES) this.#flush()
  }

  /** `kind/what`: a phase was entered, a sale ended so, a fault of this kind was made. */
  cover(what: string): void {
    this.#coverage.set(what, (this.#coverage.get(what) ?? 0) + 1)
  }

  coverage(): Record<string, number> {
    return Object.fromEntries([...this.#coverage].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** Over everything delivered; ends the history. */
  digest(): string {
    this.#flush()
    return toHex(this.#hash.clone().digest())
  }

  #flush(): void {
    if (this.#lines.length > 0) this.#hash.update(utf8(`${this.#lines.join('\n')}\n`))
    this.#lines = []
  }
}
