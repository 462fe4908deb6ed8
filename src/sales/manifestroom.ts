// What manifests of slots may take beyond the quota: all of it may be offered, and they lie beside what is set aside for slots.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes } from '../lib/units.ts'
import { KiB } from '../lib/units.ts'
import type { Datastore, Key } from '../storage/datastore.ts'
import { textKey } from '../storage/storagekey.ts'

export const MANIFEST_ROOM_BYTES: Bytes = 256 * KiB
/** `meta/sales/manifests/<CID>`: the bytes of the manifest, as long as a request is on record that keeps it. */
export const COPIES_PREFIX: Key = textKey('meta/sales/manifests/')

/** The most of it that may be taken now: no more than the manifests on record have. Rejects as the Datastore, and with the signal's reason. */
export async function takenRoom(datastore: Datastore, options: AbortOptions): Promise<Bytes> {
  let bytes = 0
  for await (const [, copy] of datastore.entries(COPIES_PREFIX, options)) bytes += copy.length
  return Math.min(bytes, MANIFEST_ROOM_BYTES)
}
