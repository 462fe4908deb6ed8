// What happens in the node, for those who listen over REST: log records and the node's own events. It is a sink of the
// log.

import type { AbortOptions } from '../lib/abort.ts'
import { BoundedQueue } from '../lib/boundedqueue.ts'
import { CodexError } from '../lib/errors.ts'
import type { LogRecord } from '../lib/log.ts'
import type { LogLevel } from '../lib/loglevels.ts'
import { type PlainValue, plainValue } from '../lib/plainvalue.ts'

export interface News {
  /** `log`, or the name of an event of the node. */
  readonly event: string
  readonly data: PlainValue
}

export const MAX_LISTENERS = 32
/** News that wait for a listener that is slow; what comes then is lost to it. */
const MAX_WAITING = 500

export class NewsHub {
  readonly #listeners = new Set<BoundedQueue<News>>()
  readonly #counts = new Map<LogLevel, number>()

  /** Takes each record at once. */
  readonly sink = (record: LogRecord): void => {
    this.#counts.set(record.level, (this.#counts.get(record.level) ?? 0) + 1)
    this.tell('log', record)
  }

  /** @param data anything; amounts become decimal texts */
  tell(event: string, data: unknown): void {
    if (this.#listeners.size === 0) return
    const news = { event, data: plainValue(data) }
    for (const listener of this.#listeners) listener.tryPush(news)
  }

  /** Records since the start, by level. */
  get counts(): ReadonlyMap<LogLevel, number> {
    return this.#counts
  }

  /**
   * All news from now on, until the signal ends it. To be called at once where none may be lost.
   * @throws CodexError `rest/too-many-listeners`
   */
  listen({ signal }: AbortOptions): AsyncGenerator<News, void> {
    if (this.#listeners.size >= MAX_LISTENERS)
      throw new CodexError('rest/too-many-listeners', `expected at most ${MAX_LISTENERS} listeners at once`)
    const queue = new BoundedQueue<News>(MAX_WAITING)
    this.#listeners.add(queue)
    const leave = (): void => {
      this.#listeners.delete(queue)
    }
    signal.addEventListener('abort', leave, { once: true })
    return pulled(queue, signal, leave)
  }
}

async function* pulled(queue: BoundedQueue<News>, signal: AbortSignal, leave: () => void): AsyncGenerator<News, void> {
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
