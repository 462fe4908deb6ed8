// The body of an address on the network, by Node's own fetch, as it comes. Whether it is what was wanted is checked elsewhere.

import type { AbortOptions } from '../../lib/abort.ts'
import { CodexError } from '../../lib/errors.ts'

/** @throws CodexError `proving/cannot-download`, or the signal's reason */
export async function* download(url: URL, { signal }: AbortOptions): AsyncGenerator<Uint8Array> {
  try {
    const response = await fetch(url, { signal })
    if (!response.ok || response.body === null) throw new Error(`the answer was ${response.status}`)
    for await (const piece of response.body) yield piece
  } catch (cause) {
    signal.throwIfAborted()
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CodexError('proving/cannot-download', `expected a circuit file at ${url.href}, found none: ${why}`, {
      detail: { url: url.href, why },
      cause,
    })
  }
}
