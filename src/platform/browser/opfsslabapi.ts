// What the main thread asks of the slab worker. Types only; the worker is slabworker.ts, its caller opfsslabfile.ts.

import type { Bytes } from '../../lib/units.ts'
import type { SlabRange } from '../../storage/slabfile.ts'

/** One worker, one file. Every function may throw `slab/full` or `slab/failed`; calls are served one after the other. */
export interface OpfsSlabApi {
  /** @throws CodexError `slab/unsupported`, `slab/locked` (another tab or worker holds the file) */
  open(path: string, options: { readonly create: boolean }): Promise<void>
  /** As `SlabFile.read`; the arrays move to the caller. */
  read(ranges: readonly SlabRange[]): Promise<Uint8Array[]>
  /** `bytes` holds the runs' bytes one after the other. */
  write(runs: readonly SlabRange[], bytes: Uint8Array): Promise<void>
  flush(): Promise<void>
  size(): Promise<Bytes>
  truncate(size: Bytes): Promise<void>
  close(): Promise<void>
}
