// What keeps a tab out of the marketplace and may be over at the next try: a network, an endpoint or a host of files that is down. Another chain, another key or
// another tab stays what it is, however often one tries.

import { CodexError } from '../src/lib/errors.ts'
import type { Seconds } from '../src/lib/units.ts'

const PASSING: ReadonlySet<string> = new Set([
  'market/answer-too-long',
  'market/bad-answer',
  'market/batch-refused',
  'market/rate-limited',
  'market/rpc-error',
  'market/unreachable',
  'proving/cache-failed',
  'proving/cannot-download',
  'worker/ended',
  'worker/failed',
])

const FIRST_PAUSE_SECONDS: Seconds = 5
const MAX_PAUSE_SECONDS: Seconds = 120

/** @param tries that failed, one at least */
export function pauseAfter(tries: number): Seconds {
  return Math.min(FIRST_PAUSE_SECONDS * 2 ** (tries - 1), MAX_PAUSE_SECONDS)
}

export function mayPass(error: unknown): boolean {
  for (let cause = error; ; cause = cause.cause) {
    // What browsers throw where a fetch, or the loading of a part of the page, did not come through.
    if (cause instanceof TypeError) return true
    if (!CodexError.is(cause)) return false
    if (PASSING.has(cause.code)) return true
  }
}
