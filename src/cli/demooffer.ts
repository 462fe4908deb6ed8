// How much the demo's provider offers for a file, which files are too large for that, and why it took less than it was asked for. Numbers and words only.

import { DEFAULT_TOKENS } from '../devnet/startdevnet.ts'
import { CodexError } from '../lib/errors.ts'
import { formatBytes, formatDuration } from '../lib/format.ts'
import { type Bytes, GiB, MiB } from '../lib/units.ts'
import { NODE_DEFAULTS } from '../nodejs.ts'
import { quote, type QuoteTerms } from '../protocol/purchasequote.ts'
import type { DecisionLook } from '../rest/marketparts.ts'

export const BLOCK_BYTES: Bytes = 65_536
const LEAST_OFFER_BYTES = 64 * MiB
/** Of the provider's quota: manifests need some room too. */
const MOST_OFFER_BYTES = NODE_DEFAULTS.quotaBytes - GiB
/** A tab may have storage bought for the same file while the first purchase goes on. */
const PURCHASES = 2

/** What the provider has to offer for a file of that size. @throws CodexError `demo/too-large` */
export function offerFor(fileBytes: Bytes, terms: QuoteTerms): Bytes {
  const needed = neededBytes(fileBytes, terms)
  if (needed !== undefined) return Math.min(MOST_OFFER_BYTES, Math.max(LEAST_OFFER_BYTES, PURCHASES * needed))
  const most = largestFile(terms)
  throw new CodexError(
    'demo/too-large',
    `expected a file of at most ${formatBytes(most)}, for whose slots the demo's provider has room and its client coins for ${formatDuration(terms.duration)}, found ${formatBytes(fileBytes)}`,
    { detail: { size: fileBytes, limit: most } },
  )
}

/** Of all slots; undefined where the quota or the client's money is less. */
function neededBytes(fileBytes: Bytes, terms: QuoteTerms): Bytes | undefined {
  const quoted = quote({ kind: 'plain', blockSize: BLOCK_BYTES, datasetSize: fileBytes }, terms)
  if (quoted === undefined) return undefined
  const bytes = quoted.slots * quoted.slotBytes
  return bytes <= MOST_OFFER_BYTES && quoted.price <= DEFAULT_TOKENS ? bytes : undefined
}

/** Slots are filled up to a power of two, so that the largest file fills them. */
function largestFile(terms: QuoteTerms): Bytes {
  const { nodes = 3, tolerance = 1 } = terms
  let most = 0
  for (let file = (nodes - tolerance) * BLOCK_BYTES; neededBytes(file, terms) !== undefined; file *= 2) most = file
  return most
}

/** What the provider says of slots that it left alone or lost, each reason once, the first one first. */
export function whyNotTaken(latest: readonly DecisionLook[]): string {
  const reasons = latest
    .filter(({ verdict }) => verdict === 'ignored' || verdict === 'lost')
    .reverse()
    .map(
      ({ slotIndex, reasons: why }) =>
        `${slotIndex === undefined ? 'all slots' : `slot ${slotIndex}`}: ${why.join(', ')}`,
    )
  return [...new Set(reasons)].join('; ')
}
