// Randomness from the platform's own source, which nobody can guess. Whoever must replay a run takes another.

import type { RandomSource } from './random.ts'

/** The platform gives no more at a time. */
const MAX_BYTES_AT_ONCE = 65_536
const HIGH_BITS = 21
const UINT32_RANGE = 2 ** 32

export class SystemRandom implements RandomSource {
  fraction(): number {
    const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2))
    // 53 bits: as many as a fraction between 0 and 1 can hold.
    return ((high % 2 ** HIGH_BITS) * UINT32_RANGE + low) / 2 ** (HIGH_BITS + 32)
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    for (let from = 0; from < length; from += MAX_BYTES_AT_ONCE)
      crypto.getRandomValues(bytes.subarray(from, from + MAX_BYTES_AT_ONCE))
    return bytes
  }
}
