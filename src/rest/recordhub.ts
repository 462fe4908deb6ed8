// What the node logs, for those who listen over REST: the latest troubles are kept, and everybody who listens gets each record. It is a sink of the log.

import type { AbortOptions } from '../lib/abort.ts'
import { BoundedQueue } from '../lib/boundedqueue.ts'
import { CodexError } from '../lib/errors.ts'
import type { LogRecord } from '../lib/log.ts'
import type { LogLevel } from '../lib/loglevels.ts'
import { RingBuffer } from '../lib/ringbuffer.ts'

/** Warnings and errors kept. */
export const MAX_TROUBLES = 200
export const MAX_LISTENERS = 32
/** Records that wait for a listener that is slow; then the next are lost to it. */
const MAX_WAITING = 500

export class RecordHub {
  readonly #troubles = new RingBuffer<LogRecord>(MAX_TROUBLES)
  readonly #listeners = new Set<BoundedQueue<LogRecord>>()
  readonly #counts = new Map<LogLevel, number>()

  /** Takes each record at once. */
  readonly sink = (record: LogRecord): void => {
    this.#counts.set(record.level, (this.#counts.get(record.level) ?? 0) + 1)
    if (record.level === 'warn' || record.level === 'error') this.#troubles.push(record)
    for (const listener of this.#listeners) listener.tryPush(record)
  }

  /** Warnings and errors, the latest first. */
  get troubles(): readonly LogRecord[] {
    return this.#troubles.toArray().reverse()
  }

  /** Records since the start, by level. */
  get counts(): ReadonlyMap<LogLevel, number> {
    return this.#counts
  }

  /**
   * Every record from now on, until the signal ends it. To be called at once where none may be lost.
   * @throws CodexError `rest/too-many-listeners`
   */
  listen({ signal }: AbortOptions): AsyncGenerator<LogRecord, void> {
    if (this.#listeners.size >= MAX_LISTENERS)
      throw new CodexError('rest/too-many-listeners', `expected at most ${MAX_LISTENERS} listeners at once`)
    const queue = new BoundedQueue<LogRecord>(MAX_WAITING)
    this.#listeners.add(queue)
    const leave = (): void => {
      this.#listeners.delete(queue)
    }
    signal.addEventListener('abort', leave, { once: true })
    return this.#records(queue, signal, leave)
  }

  async *#records(
    queue: BoundedQueue<LogRecord>,
    signal: AbortSignal,
    leave: () => void,
  ): AsyncGenerator<LogRecord, void> {
    try {
      for (;;) {
        const { done, value } = await queue.pull({ signal })
        if (done === true) return
        yield value
      }
    } finally {
      leave()
      signal.removeEventListener('abort', leave)
    }
  }
}
