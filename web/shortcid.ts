// A CID cut in the middle, for places where it only tells files apart.

import type { Cid } from '../src/protocol/cid.ts'

/** `zDvZRwzm…tW2GL5` */
export function shortCid(cid: Cid): string {
  const text = String(cid)
  return `${text.slice(0, 8)}…${text.slice(-6)}`
}
