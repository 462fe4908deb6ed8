// Addresses of blocks as keys of a Map. Not for people, and not for storage.

import type { Cid } from '../protocol/cid.ts'
import type { BlockAddress } from './message.ts'

/** Equal for equal addresses, different for different ones. Much cheaper than the text of a CID. */
export function addressKey({ cid, treeCid, index }: BlockAddress): string {
  if (treeCid === undefined) return latin1(cid)
  return `${latin1(treeCid)}/${index}`
}

/** The address alone, of something that has one. */
export function addressOf({ cid, treeCid, index }: BlockAddress): BlockAddress {
  return treeCid === undefined ? { cid } : { treeCid, index }
}

/** By CID, because that of a tree is asked for with each of its leaves. */
const texts = new WeakMap<Cid, string>()

function latin1(cid: Cid): string {
  const known = texts.get(cid)
  if (known !== undefined) return known
  const text = String.fromCharCode.apply(undefined, cid.bytes as unknown as number[])
  texts.set(cid, text)
  return text
}
