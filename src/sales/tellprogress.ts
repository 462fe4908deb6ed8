// Work that tells how far it is, as a stream for whoever pulls: only the latest number counts. It knows nothing of the work.

import type { AbortOptions } from '../lib/abort.ts'
import { Bell } from '../lib/bell.ts'
import { CodexError } from '../lib/errors.ts'

/**
 * Runs `work` and yields what it told last, each time that is more than before. Whoever stops pulling ends it.
 * @throws what `work` throws, the signal's reason
 */
export async function* tellProgress(
  { signal }: AbortOptions,
  work: (signal: AbortSignal, tell: (done: number) => void) => Promise<void>,
): AsyncGenerator<number, void, void> {
  const ending = new AbortController()
  const own = AbortSignal.any([signal, ending.signal])
  const bell = new Bell()
  // Its own signal: when the work was aborted it still has to end before we do.
  const rings = bell.listen({ signal: new AbortController().signal })
  let done = 0
  let told = 0
  let end: { readonly error?: unknown } | undefined
  const working = work(own, (now) => {
    done = Math.max(done, now)
    bell.ring()
  })
    .then(
      () => (end = {}),
      (error: unknown) => (end = { error }),
    )
    .finally(() => bell.ring())
  try {
    for (;;) {
      if (done > told) {
        told = done
        yield told
      } else if (end !== undefined) break
      else await rings.next()
    }
    if ('error' in end) throw end.error
  } finally {
    ending.abort(new CodexError('sale/nobody-waits', 'whoever waited for this work has stopped'))
    await working
  }
}
