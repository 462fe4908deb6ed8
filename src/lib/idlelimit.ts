// Streams from outside that stop coming without ending: given up after a while of silence.

import { type AbortOptions, raceAbort } from './abort.ts'
import type { Clock } from './clock.ts'
import type { Seconds } from './units.ts'

/** Slower than this a network is not, however large the pieces it brings. */
export const MAX_IDLE_SECONDS: Seconds = 60

export interface IdleLimit extends AbortOptions {
  readonly clock: Clock
  /** Made when nothing came for {@link MAX_IDLE_SECONDS}: it is thrown, and ends the source. */
  readonly late: () => Error
}

/** What `start` brings. The signal it gets aborts when the caller's does, when it was silent too long, and when nobody reads on. */
export async function* withIdleLimit<Piece>(
  start: (options: AbortOptions) => AsyncIterable<Piece>,
  { clock, late, signal }: IdleLimit,
): AsyncGenerator<Piece> {
  signal.throwIfAborted()
  const own = new AbortController()
  const abort = (): void => own.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const pieces = start({ signal: own.signal })[Symbol.asyncIterator]()
  try {
    for (;;) {
      const watch = new AbortController()
      clock.until(clock.now() + MAX_IDLE_SECONDS, { signal: watch.signal }).then(
        () => own.abort(late()),
        () => undefined,
      )
      const next = await raceAbort(pieces.next(), own.signal).finally(() => watch.abort())
      if (next.done === true) return
      yield next.value
    }
  } finally {
    signal.removeEventListener('abort', abort)
    own.abort()
    await pieces.return?.().catch(() => undefined)
  }
}
