// sha256 by Node's own crypto: bulk on a thread that shares its memory, the rest on this thread in slices.
//
// WebCrypto's thread pool was measured against it (Node 20, 64 KiB messages): copying a message into a job and back costs this thread 44 us, hashing
// it right here 40 us. Only shared memory takes the work off this thread. But copying into shared memory costs more than hashing, because it is done word
// by word: bytes that come through script are hashed right here.

import { hash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { KiB, MiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'
import type { Hasher } from '../../storage/hasher.ts'
import type { WorkerHandle, WorkerSource } from '../../workers/workersource.ts'
import { alignedMemory } from './alignedmemory.ts'
import type { HashApi } from './hashapi.ts'
import { ThreadWorkers } from './threadworkers.ts'

const DIGEST_BYTES = 32
/** From here on the thread is worth its message; the first bulk starts it. */
const BULK_BYTES: Bytes = MiB
/** Hashed here before the event loop gets a turn: below a millisecond. */
const SLICE_BYTES: Bytes = MiB
/** What a message costs beside its bytes, in bytes. */
const MESSAGE_COST_BYTES: Bytes = 2 * KiB

export class NativeHasher implements Hasher {
  readonly #threads: WorkerSource<HashApi>
  #thread: WorkerHandle<HashApi> | undefined
  /** A thread that failed, as where the script was never built, is not started again: this thread does its work. */
  #hasFailed = false

  constructor(
    threads: WorkerSource<HashApi> = new ThreadWorkers({ script: new URL('./hashworker.ts', import.meta.url) }),
  ) {
    this.#threads = threads
  }

  memory(bytes: Bytes, filledBy: 'disk' | 'script' = 'disk'): Uint8Array {
    return alignedMemory(bytes, { shared: filledBy === 'disk' })
  }

  async sha256(messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const memory = sharedBulk(messages)
    return (memory && (await this.#hashInThread(memory, messages))) ?? hashHere(messages)
  }

  /** Ends the thread; hashing still works, on this thread. */
  close(): void {
    this.#hasFailed = true
    this.#thread?.end()
  }

  async #hashInThread(memory: SharedArrayBuffer, messages: readonly Uint8Array[]): Promise<Uint8Array[] | undefined> {
    if (this.#hasFailed) return undefined
    try {
      this.#thread ??= this.#threads.spawn()
      const ranges = Float64Array.from(messages.flatMap(({ byteOffset, length }) => [byteOffset, length]))
      const digests = await this.#thread.api.sha256(memory, ranges)
      return messages.map((_, i) => digests.slice(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES))
    } catch {
      this.#hasFailed = true
      return undefined
    }
  }
}

/** The memory all messages share, when there is enough in it. */
function sharedBulk(messages: readonly Uint8Array[]): SharedArrayBuffer | undefined {
  const memory = messages[0]?.buffer
  if (!(memory instanceof SharedArrayBuffer)) return undefined
  let total: Bytes = 0
  for (const { buffer, length } of messages) {
    if (buffer !== memory) return undefined
    total += length
  }
  return total >= BULK_BYTES ? memory : undefined
}

async function hashHere(messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
  const digests: Uint8Array[] = []
  let spent: Bytes = 0
  for (const message of messages) {
    if (spent >= SLICE_BYTES) {
      await setImmediate()
      spent = 0
    }
    digests.push(new Uint8Array(hash('sha256', message, 'buffer')))
    spent += message.length + MESSAGE_COST_BYTES
  }
  return digests
}
