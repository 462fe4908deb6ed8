// The seam to the platform's sha256, which is many times faster than one in script (native crypto in Node, WebCrypto in a tab).

import type { Bytes } from '../lib/units.ts'

export interface Hasher {
  /** The 32-byte sha256 of each of `messages`, in order. Messages are borrowed until the call settles. */
  sha256(messages: readonly Uint8Array[]): Promise<Uint8Array[]>
  /**
   * New memory, zeroed: the place for bulk that will be hashed and stored, because hasher and disk take it from there without a copy.
   * @param filledBy `disk`: the bytes get there without this thread, and are hashed without it, too, where that can be. `script`: this thread copies
   * them there, which is slow where memory is shared with others, and hashes them itself
   */
  memory(bytes: Bytes, filledBy?: 'disk' | 'script'): Uint8Array
}
