// sha256 in script, in slices, for where the platform offers none (an insecure page) and for tests. Many times slower than native.

import { sha256 } from '@noble/hashes/sha2.js'
import { nextTask } from '../lib/nexttask.ts'
import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import type { Hasher } from './hasher.ts'

/** Hashed before the event loop gets a turn: measured 12 to 18 ms on two busy cores (Node 20, Chromium). */
const SLICE_BYTES = 1 * MiB
/** What a message costs beside its bytes, in bytes: padding, one array, one call. */
const MESSAGE_COST_BYTES = 128

export class ScriptHasher implements Hasher {
  memory(bytes: Bytes): Uint8Array {
    return new Uint8Array(bytes)
  }

  async sha256(messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const digests: Uint8Array[] = []
    let spent: Bytes = 0
    for (const message of messages) {
      const state = sha256.create()
      for (let at = 0; at < message.length;) {
        if (spent >= SLICE_BYTES) {
          await nextTask()
          spent = 0
        }
        const part = message.subarray(at, at + SLICE_BYTES - spent)
        state.update(part)
        at += part.length
        spent += part.length
      }
      digests.push(state.digest())
      spent += MESSAGE_COST_BYTES
    }
    return digests
  }
}
