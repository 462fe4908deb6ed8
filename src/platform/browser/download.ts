// The body of an address on the network, by the tab's fetch.

import type { AbortOptions } from '../../lib/abort.ts'
import type { Clock } from '../../lib/clock.ts'
import { downloadBody } from '../../lib/downloadbody.ts'
import { SystemClock } from '../../lib/systemclock.ts'

/** As {@link downloadBody}. */
export function download(
  url: URL,
  { signal }: AbortOptions,
  clock: Clock = new SystemClock(),
): AsyncGenerator<Uint8Array> {
  return downloadBody(url, { signal, clock, get: (address, options) => fetch(address, options) })
}
