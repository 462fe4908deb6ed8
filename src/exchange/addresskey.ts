// Addresses of blocks as keys of a Map. Not for people, and not for storage.

import type { BlockAddress } from './message.ts'

/** Equal for equal addresses, different for different ones. Much cheaper than the text of a CID. */
export function addressKey({ cid, treeCid, index }: BlockAddress): string {
  if (treeCid === undefined) return latin1(cid.bytes)
  return `${latin1(treeCid.bytes)}/${index}`
}

/** The address alone, of something that has one. */
export function addressOf({ cid, treeCid, index }: BlockAddress): BlockAddress {
  return treeCid === undefined ? { cid } : { treeCid, index }
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode.apply(undefined, bytes as unknown as number[])
}
