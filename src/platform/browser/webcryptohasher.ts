// sha256 by the browser's own crypto, off the main thread. Short messages, and all of them on an insecure page, are hashed in script.

import { mapBounded } from '../../lib/mapbounded.ts'
import { KiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'
import type { Hasher } from '../../storage/hasher.ts'
import { ScriptHasher } from '../../storage/scripthasher.ts'

/** Below this length a call into the browser takes longer than the hash itself. */
const SCRIPT_BYTES = 2 * KiB
const DIGESTS_AT_ONCE = 16

export class WebCryptoHasher implements Hasher {
  readonly #subtle: SubtleCrypto | undefined
  readonly #script = new ScriptHasher()

  /** @param subtle default: the page's own; browsers leave it out of pages that are not secure contexts */
  constructor({ subtle }: { readonly subtle: SubtleCrypto | undefined } = { subtle: globalThis.crypto.subtle }) {
    this.#subtle = subtle
  }

  memory(bytes: Bytes): Uint8Array {
    return new Uint8Array(bytes)
  }

  async sha256(messages: readonly Uint8Array[]): Promise<Uint8Array[]> {
    const subtle = this.#subtle
    if (subtle === undefined) return this.#script.sha256(messages)
    const isShort = (message: Uint8Array): boolean => message.length < SCRIPT_BYTES
    const [long, short] = await Promise.all([
      mapBounded(
        messages.filter((message) => !isShort(message)),
        DIGESTS_AT_ONCE,
        async (message) => new Uint8Array(await subtle.digest('SHA-256', message as Uint8Array<ArrayBuffer>)),
      ),
      this.#script.sha256(messages.filter(isShort)),
    ])
    let longs = 0
    let shorts = 0
    return messages.map((message) => (isShort(message) ? short[shorts++] : long[longs++]) as Uint8Array)
  }
}
