// What may be sent though the journal cannot be written: on a full disk a proof that is due, and nothing else.

import { CodexError } from '../lib/errors.ts'
import type { JournalEntry } from './sendjournal.ts'
import type { SentParts } from './sentparts.ts'

/** The store may take a later commit; whoever else closed or took it away has the key too, perhaps. */
const TROUBLE_CODES: readonly string[] = ['datastore/full', 'datastore/failed']

/**
 * Whether what `error` kept from being written down is sent all the same. A proof that is not sent burns collateral; one that nobody remembers after
 * a crash is sent once more at most, which the contract refuses, and whatever is signed with its nonce then can only take its place. Everything else
 * moves money or collateral.
 */
export function mayGoUnwritten({ verb }: Pick<JournalEntry, 'verb'>, error: unknown): boolean {
  return verb === 'submitProof' && CodexError.is(error) && TROUBLE_CODES.includes(error.code)
}

/** Writes down what is sent next, as far as it has to be. @throws CodexError as the datastore: then it must not be sent */
export async function writeBeforeSending(
  { journal, log }: Pick<SentParts, 'journal' | 'log'>,
  entry: JournalEntry,
): Promise<void> {
  try {
    await journal.write(entry)
  } catch (error) {
    if (!mayGoUnwritten(entry, error)) throw error
    const { nonce, slotId } = entry
    log.error('a proof is sent though it cannot be written down; make room on the disk', { nonce, slotId, error })
  }
}
