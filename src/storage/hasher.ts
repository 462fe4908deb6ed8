// The seam to the platform's sha256, which is many times faster than one in script (native crypto in Node, WebCrypto in a tab).

export interface Hasher {
  /** The 32-byte sha256 of each of `messages`, in order. Messages are borrowed until the call settles. */
  sha256(messages: readonly Uint8Array[]): Promise<Uint8Array[]>
}
