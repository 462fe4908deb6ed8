// What running purchases need of the store, read from the records: whoever has opened it can ask, whether it buys now or not. It changes nothing.

import type { AbortOptions } from '../lib/abort.ts'
import { equalBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import { formatInstant } from '../lib/format.ts'
import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import type { Datastore } from '../storage/datastore.ts'
import { PURCHASES_PREFIX, type PurchaseRecord, purchaseIdOf, readPurchase } from './purchaserecord.ts'

/** Whether there is a purchase that goes on. Rejects as the Datastore, and with the signal's reason. */
export async function hasPurchases(datastore: Datastore, options: AbortOptions): Promise<boolean> {
  for await (const _ of running(datastore, options)) return true
  return false
}

/**
 * Why a dataset must stay: hosts fetch their slots from us, and those that repair one may need any of them until the end.
 * @param now past the end of a purchase whose record was not closed its data may go
 * @returns undefined where nothing is against it. Rejects as the Datastore, and with the signal's reason
 */
export async function whyBought(
  datastore: Datastore,
  { cid, now }: { readonly cid: Cid; readonly now: Seconds },
  options: AbortOptions,
): Promise<CodexError<'dataset/bought'> | undefined> {
  for await (const [requestId, { request, until }] of running(datastore, options))
    // By their bytes: another program with this key may have bought what is no dataset.
    if (equalBytes(request.content.cid, cid.bytes) && (until === undefined || now < until))
      return new CodexError(
        'dataset/bought',
        `dataset ${cid} is stored by hosts for a purchase, and they fetch it from here: remove it once the purchase is over${until === undefined ? '' : `, on ${formatInstant(until)}`}`,
        { detail: { cid: String(cid), requestId, until: until ?? null } },
      )
  return undefined
}

/** Those whose records can be read. */
async function* running(datastore: Datastore, options: AbortOptions): AsyncGenerator<[string, PurchaseRecord], void> {
  for await (const [key, sealed] of datastore.entries(PURCHASES_PREFIX, options)) {
    try {
      const record = readPurchase(key, sealed)
      if (record.outcome === undefined) yield [purchaseIdOf(key) ?? '', record]
    } catch (error) {
      // Whoever starts purchasing tells of it, and asks the chain.
      if (!CodexError.is(error, 'store/corrupted-record')) throw error
    }
  }
}
