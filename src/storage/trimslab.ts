// Gives the disk back what lies behind the last unit in use, and changes no record: it works when not even a commit finds room.

import type { StoreParts } from './storeparts.ts'
import { UNIT_BYTES } from './unitmap.ts'

/** @throws CodexError `slab/failed`, `slab/closed` */
export function trimSlab({ ledger, slab }: StoreParts): Promise<void> {
  return ledger.cutBehind((end) => slab.truncate(end * UNIT_BYTES))
}
