// The body of an address on the network as it comes, whoever asks for it. Whether it is what was wanted is checked elsewhere.

import type { AbortOptions } from './abort.ts'
import type { Clock } from './clock.ts'
import { CodexError } from './errors.ts'
import { MAX_IDLE_SECONDS, withIdleLimit } from './idlelimit.ts'

export interface DownloadBody extends AbortOptions {
  readonly clock: Clock
  /** Asks, as the platform's `fetch` does. */
  readonly get: (url: URL, options: AbortOptions) => Promise<Pick<Response, 'ok' | 'status' | 'body'>>
}

/** @throws CodexError `proving/cannot-download`, also where nothing comes for a minute; or the signal's reason */
export function downloadBody(url: URL, { clock, get, signal }: DownloadBody): AsyncGenerator<Uint8Array> {
  const late = (): Error => cannotDownload(url, `nothing came for ${MAX_IDLE_SECONDS} s`)
  return withIdleLimit((options) => bodyOf(url, get, options), { clock, late, signal })
}

async function* bodyOf(url: URL, get: DownloadBody['get'], { signal }: AbortOptions): AsyncGenerator<Uint8Array> {
  try {
    const { ok, status, body } = await get(url, { signal })
    if (!ok || body === null) throw new Error(`the answer was ${status}`)
    yield* pieces(body)
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
