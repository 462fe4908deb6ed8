// The seam to the platform's sha256, which is many times faster than one in script (native crypto in Node, WebCrypto in a tab).

import type { Bytes } from '../lib/units.ts'

export interface Hasher {
  /** The 32-byte sha256 of each of `messages`, in order. Messages are borrowed until the call settles. */
  sha256(messages: readonly Uint8Array[]): Promise<Uint8Array[]>
  /** New memory, zeroed: the place for bulk that will be hashed, because this hasher takes it from there without a copy. */
  memory(bytes: Bytes): Uint8Array
}
