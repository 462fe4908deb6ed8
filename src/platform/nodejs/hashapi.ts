// What the hashing thread answers. Types only; the thread is hashworker.ts.

export interface HashApi {
  /**
   * The sha256 of pieces of shared memory, 32 bytes each, one after the other.
   * @param ranges offset and length of each piece in bytes, in turn
   */
  sha256(memory: SharedArrayBuffer, ranges: Float64Array): Promise<Uint8Array>
}
