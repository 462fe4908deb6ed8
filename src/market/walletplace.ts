// Where a key and the journal of its transactions are kept together: what a platform makes for strangers. A type only.

import type { Datastore } from '../storage/datastore.ts'
import type { KeystorePlace } from './keystore.ts'

/** Where a key and the journal of its transactions are kept. */
export interface WalletPlace {
  /** Holds one key, encrypted. */
  readonly keystore: KeystorePlace
  /** For the journal: the `datastore` of `OpenMarketOptions`. */
  readonly datastore: Datastore
  /** Stop the market first. */
  close(): Promise<void>
}
