// sha256 by Node's own crypto: short messages here in slices, long ones on its thread pool through WebCrypto.
//
// Measured per message (Node 20, two busy cores), here / pool: 64 B 3 / 17 us, 4 KiB 4 / 16 us, 16 KiB 11 / 25 us, 64 KiB 52 / 59 us. So the pool costs little
// for blocks and leaves this thread free, while for tree nodes it would be many times slower.

import { createHash, webcrypto } from 'node:crypto'
import { mapBounded } from '../../lib/mapbounded.ts'
import { nextTask } from '../../lib/nexttask.ts'
import { KiB, MiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'
import type { Hasher } from '../../storage/hasher.ts'

/** Messages from this length on are hashed on the thread pool. */
const POOL_BYTES = 32 * KiB
/** Enough to keep the pool's threads busy while results travel back. */
const POOL_DIGESTS_AT_ONCE = 16
/** Hashed here before the event loop gets a turn: a few milliseconds. */
const SLICE_BYTES = 1 * MiB
/** What a message costs beside its bytes, in bytes. */
const MESSAGE_COST_BYTES = 2 * KiB

export class NativeHasher implements Hasher {
  async sha256(messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const digests: Uint8Array[] = []
    digests.length = messages.length
    const long: number[] = []
    messages.forEach((message, i) => message.length >= POOL_BYTES && long.push(i))
    const pooled = mapBounded(long, POOL_DIGESTS_AT_ONCE, async (i) => {
      digests[i] = new Uint8Array(await webcrypto.subtle.digest('SHA-256', messages[i] as Uint8Array))
    })
    const [hashed] = await Promise.allSettled([pooled, hashHere(messages, digests)])
    if (hashed.status === 'rejected') throw hashed.reason
    return digests
  }
}

async function hashHere(messages: readonly Uint8Array[], digests: Uint8Array[]): Promise<void> {
  let spent: Bytes = 0
  for (const [i, message] of messages.entries()) {
    if (message.length >= POOL_BYTES) continue
    if (spent >= SLICE_BYTES) {
      await nextTask()
      spent = 0
    }
    digests[i] = new Uint8Array(createHash('sha256').update(message).digest())
    spent += message.length + MESSAGE_COST_BYTES
  }
}
