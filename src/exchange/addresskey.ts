// Addresses of blocks as keys of a Map. Not for people, and not for storage.

import type { BlockAddress, Delivery } from './message.ts'

/** Of an address, or of where a delivery belongs. Equal for equal addresses, different for different ones. Much cheaper than the text of a CID. */
export function addressKey({ cid, treeCid, index }: BlockAddress | Delivery): string {
  return treeCid === undefined ? cid.key : `${treeCid.key}/${index}`
}

/** The address alone, of something that has one. */
export function addressOf({ cid, treeCid, index }: BlockAddress): BlockAddress {
  return treeCid === undefined ? { cid } : { treeCid, index }
}
