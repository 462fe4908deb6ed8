// sha256 by Node's own crypto, on this thread, in slices that let the event loop breathe.
//
// WebCrypto's thread pool was measured against it (Node 20, 64 KiB messages): copying a message into a job and back costs this thread 44 us, hashing
// it right here 40 us. So the pool frees nothing, and the other core, which the writes need, would work for nothing.

import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { KiB, MiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'
import type { Hasher } from '../../storage/hasher.ts'

/** Hashed before the event loop gets a turn: below a millisecond. */
const SLICE_BYTES: Bytes = MiB
/** What a message costs beside its bytes, in bytes. */
const MESSAGE_COST_BYTES: Bytes = 2 * KiB

export class NativeHasher implements Hasher {
  async sha256(messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const digests: Uint8Array[] = []
    let spent: Bytes = 0
    for (const message of messages) {
      if (spent >= SLICE_BYTES) {
        await setImmediate()
        spent = 0
      }
      digests.push(new Uint8Array(createHash('sha256').update(message).digest()))
      spent += message.length + MESSAGE_COST_BYTES
    }
    return digests
  }
}
