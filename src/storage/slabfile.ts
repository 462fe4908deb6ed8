// The seam to the one flat file that holds block bytes. It knows offsets only; which block lies where is the RepoStore's index.

import type { Bytes } from '../lib/units.ts'

export interface SlabRange {
  readonly offset: Bytes
  readonly length: Bytes
}

/** Gives so many bytes of memory, with anything in them. */
export type TakeMemory = (bytes: Bytes) => Uint8Array

export interface SlabPiece {
  readonly offset: Bytes
  /** Borrowed until the call settles; never detached. */
  readonly bytes: Uint8Array
}

/**
 * Written bytes are readable at once and durable only after `flush`: a crash in between may keep all, some or torn parts of them.
 * Calls may overlap; overlapping writes to one place are the caller's mistake.
 *
 * Errors, from every verb: `slab/closed`, `slab/failed`; from `write` and `flush` also `slab/full` (disk or quota): what the unfinished
 * write touched is unknown then, the rest is unharmed.
 */
export interface SlabFile {
  /**
   * One array per range, in order, cut short where the file ends. Each is new; where a caller gives memory and the platform can read there, it is of
   * that memory.
   */
  read(ranges: readonly SlabRange[], memory?: TakeMemory): Promise<Uint8Array[]>
  /** Grows the file as needed; a gap reads as zeros. */
  write(pieces: readonly SlabPiece[]): Promise<void>
  /** Settles once every write that settled before this call survives a power cut as far as the platform can promise it. */
  flush(): Promise<void>
  size(): Promise<Bytes>
  /** Gives the space behind `size` back to the disk; a no-op when the file is shorter. */
  truncate(size: Bytes): Promise<void>
  /** Waits for what is under way, then lets go of the file. A second call is a no-op. */
  close(): Promise<void>
}
