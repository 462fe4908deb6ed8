// How long what is made of a dataset stays. Asked before the work, not after it.

import type { Seconds } from '../lib/units.ts'
import type { Cid } from '../protocol/cid.ts'
import { outlived } from '../storage/heldtrees.ts'
import type { RepoStore } from '../storage/repostore.ts'

/**
 * As was asked for; else as long as what it is made of, or where that time is over a block's time to live.
 * @throws CodexError `upload/outlived` where what was asked for is over already
 */
export async function keptUntil(repo: RepoStore, cid: Cid, wanted: Seconds | undefined): Promise<Seconds> {
  const now = repo.parts.clock.now()
  const own = wanted === undefined ? await repo.expiryOf(cid) : undefined
  if (wanted === undefined) return own !== undefined && own >= now ? own : repo.defaultExpiry()
  // What is no time at all the store refuses by name.
  if (Number.isSafeInteger(wanted) && wanted > 0 && wanted < now) throw outlived(wanted)
  return wanted
}
