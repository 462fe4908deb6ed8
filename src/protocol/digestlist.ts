// A growing list of 32-byte digests in typed arrays. One layer of a Merkle tree; hashes nothing.

import { DIGEST_BYTES } from './cid.ts'

/** Digests in a full chunk: growth never copies more than this, so no append is slow however long the list. */
const CHUNK_DIGESTS = 1024
const FIRST_CHUNK_DIGESTS = 8

export class DigestList {
  readonly #chunks: Uint8Array[] = []
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Copies the 32 bytes of `digest`. */
  push(digest: Uint8Array): void {
    const slot = this.#length % CHUNK_DIGESTS
    let chunk = this.#chunks.at(-1)
    if (chunk === undefined || slot === 0) {
      chunk = new Uint8Array((chunk === undefined ? FIRST_CHUNK_DIGESTS : CHUNK_DIGESTS) * DIGEST_BYTES)
      this.#chunks.push(chunk)
    } else if (slot * DIGEST_BYTES === chunk.length) {
      const larger = new Uint8Array(2 * chunk.length)
      larger.set(chunk)
      this.#chunks[this.#chunks.length - 1] = chunk = larger
    }
    chunk.set(digest, slot * DIGEST_BYTES)
    this.#length++
  }

  /** A view of the digest at `index`, which must be below `length`; valid until the next `push`. */
  at(index: number): Uint8Array {
    const start = (index % CHUNK_DIGESTS) * DIGEST_BYTES
    const chunk = this.#chunks[Math.floor(index / CHUNK_DIGESTS)]
    if (chunk === undefined || index >= this.#length)
      throw new RangeError(`no digest ${index} in a list of ${this.#length}`)
    return chunk.subarray(start, start + DIGEST_BYTES)
  }
}
