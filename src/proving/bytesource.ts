// Where the bytes of a large file come from: read piece by piece, so that a key of 55 MB is never whole in memory for long.
// It knows no format; sources on a disk or behind a URL are the platform's.

import type { AbortOptions } from '../lib/abort.ts'
import { assert, CodexError } from '../lib/errors.ts'
import type { Bytes } from '../lib/units.ts'

export interface ByteSource {
  /** Of the whole file; does not change. */
  readonly size: Bytes
  /**
   * Exactly `length` bytes from `offset` on, the caller's to read and not to write. Only for ranges within {@link size}.
   * @throws CodexError `proving/unreadable-source` where the bytes cannot be had
   */
  read(offset: Bytes, length: Bytes, options: AbortOptions): Promise<Uint8Array>
}

/** Reads from memory, without copying. `bytes` must not change while the source is in use. */
export function sourceOfBytes(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (offset, length, { signal }) => {
      signal.throwIfAborted()
      checkRange(offset, length, bytes.length)
      return bytes.subarray(offset, offset + length)
    },
  }
}

/** Reads from a `Blob` or `File`, which may lie on a disk. */
export function sourceOfBlob(blob: Blob): ByteSource {
  return {
    size: blob.size,
    read: async (offset, length, { signal }) => {
      signal.throwIfAborted()
      checkRange(offset, length, blob.size)
      const buffer = await blob
        .slice(offset, offset + length)
        .arrayBuffer()
        .catch((cause: unknown) => {
          throw unreadable(offset, length, 0, cause)
        })
      signal.throwIfAborted()
      if (buffer.byteLength !== length) throw unreadable(offset, length, buffer.byteLength)
      return new Uint8Array(buffer)
    },
  }
}

function checkRange(offset: Bytes, length: Bytes, size: Bytes): void {
  assert(offset >= 0 && length >= 0 && offset + length <= size, 'a source is read within its size')
}

function unreadable(offset: Bytes, length: Bytes, found: Bytes, cause?: unknown): CodexError {
  return new CodexError(
    'proving/unreadable-source',
    `expected ${length} bytes at ${offset}, read ${found}: the file may have changed meanwhile; open it anew`,
    { detail: { offset, length, found }, cause },
  )
}
