// The body of an address on the network, by the tab's fetch, as it comes. Whether it is what was wanted is checked elsewhere.

import type { AbortOptions } from '../../lib/abort.ts'
import type { Clock } from '../../lib/clock.ts'
import { CodexError } from '../../lib/errors.ts'
import { MAX_IDLE_SECONDS, withIdleLimit } from '../../lib/idlelimit.ts'
import { SystemClock } from '../../lib/systemclock.ts'

/** @throws CodexError `proving/cannot-download`, also where nothing comes for a minute; or the signal's reason */
export function download(
  url: URL,
  { signal }: AbortOptions,
  clock: Clock = new SystemClock(),
): AsyncGenerator<Uint8Array> {
  const late = (): Error => cannotDownload(url, `nothing came for ${MAX_IDLE_SECONDS} s`)
  return withIdleLimit((options) => fetched(url, options), { clock, late, signal })
}

async function* fetched(url: URL, { signal }: AbortOptions): AsyncGenerator<Uint8Array> {
  try {
    const response = await fetch(url, { signal })
    if (!response.ok || response.body === null) throw new Error(`the answer was ${response.status}`)
    yield* pieces(response.body)
  } catch (cause) {
    signal.throwIfAborted()
    const why = cause instanceof Error ? cause.message : String(cause)
    throw cannotDownload(url, why, cause)
  }
}

function cannotDownload(url: URL, why: string, cause?: unknown): CodexError<'proving/cannot-download'> {
  return new CodexError('proving/cannot-download', `expected a circuit file at ${url.href}, found none: ${why}`, {
    detail: { url: url.href, why },
    cause,
  })
}

/** Not every browser iterates streams. */
async function* pieces(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      yield value
    }
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
