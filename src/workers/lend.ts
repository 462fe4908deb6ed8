// Hands bytes that stay somebody else's to a worker: shared memory as it is, anything else as a copy that moves.

import { transfer } from './transfer.ts'

/**
 * The same bytes as one argument of one call. Views of shared memory are passed on, so the worker reads what their owner sees; the others are
 * copied into one buffer, side by side, which moves. The originals are never detached.
 * @param canShare the pool's: whether shared memory may cross
 */
export function lend(parts: readonly Uint8Array[], canShare: boolean): readonly Uint8Array[] {
  const isCopied = ({ buffer }: Uint8Array): boolean => !canShare || !isShared(buffer)
  const total = parts.reduce((sum, part) => sum + (isCopied(part) ? part.length : 0), 0)
  const copy = new Uint8Array(total)
  let at = 0
  const lent = parts.map((part) => {
    if (!isCopied(part)) return part
    copy.set(part, at)
    at += part.length
    return copy.subarray(at - part.length, at)
  })
  return transfer(lent, total > 0 ? [copy.buffer] : [])
}

/** Whether it is memory that threads can share, of this realm or another. */
export function isShared(buffer: ArrayBufferLike): boolean {
  return Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]'
}
