// Objects that do nothing but be there. V8 collects all of its heap as often as what lives in it has been passed by as much again, buffers outside of it
// included: a node whose objects take 10 MiB and that makes a buffer for every record it ciphers does so 50 times for a gigabyte, and each time looks at
// everything. With some more that lives it does so a third as often: a tenth less of all processor time on both sides (Node 20, 1 GiB between two nodes).

import { MiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'

const FLOOR_BYTES: Bytes = 16 * MiB
/** Nobody pays for it who has not made so many bytes of buffers. */
const FROM_BYTES: Bytes = 64 * MiB

export class HeapFloor {
  /** Numbers, because a collector does not look into those. */
  #floor: readonly number[] | undefined
  #made: Bytes = 0

  /** So many bytes of short-lived buffers have been made. */
  made(bytes: Bytes): void {
    if (this.#floor !== undefined) return
    this.#made += bytes
    // No whole number, or V8 would keep them as such, and look.
    if (this.#made >= FROM_BYTES) this.#floor = new Array<number>(FLOOR_BYTES / 8).fill(0.5)
  }

  get bytes(): Bytes {
    return (this.#floor?.length ?? 0) * 8
  }
}
