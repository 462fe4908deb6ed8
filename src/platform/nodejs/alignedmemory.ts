// Memory that begins on a page, as unbuffered writes want it. Node has no call for it; a WebAssembly memory is made of whole pages.

import { KiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'

const WASM_PAGE_BYTES: Bytes = 64 * KiB
/** Offsets, lengths and addresses of unbuffered writes are multiples of it: the largest block size that disks and file systems ask for here. */
export const ALIGNMENT_BYTES: Bytes = 4 * KiB

const aligned = new WeakSet<ArrayBufferLike>()

/** Zeroed, and what {@link isAligned} knows. @param shared with threads, to which it is sent without a copy */
export function alignedMemory(bytes: Bytes, { shared = true }: { readonly shared?: boolean } = {}): Uint8Array {
  const pages = Math.ceil(bytes / WASM_PAGE_BYTES)
  const { buffer } = new WebAssembly.Memory({ initial: pages, maximum: pages, shared })
  aligned.add(buffer)
  return new Uint8Array(buffer, 0, bytes)
}

/** Whether these bytes may be written without a buffer in between. */
export function isAligned({ buffer, byteOffset, length }: Uint8Array): boolean {
  return aligned.has(buffer) && byteOffset % ALIGNMENT_BYTES === 0 && length % ALIGNMENT_BYTES === 0
}
