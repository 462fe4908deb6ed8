// A test whether the place of block bytes keeps what it is given, before anybody is promised that it will: written where the next blocks will lie, flushed, read
// back, and given up again. No record names it.

import { equalBytes } from '../lib/bytes.ts'
import { CodexError } from '../lib/errors.ts'
import type { RandomSource } from '../lib/random.ts'
import { type Bytes, MiB } from '../lib/units.ts'
import type { StoreParts } from './storeparts.ts'
import { trimSlab } from './trimslab.ts'
import { UNIT_BYTES } from './unitmap.ts'

export const PROBE_BYTES: Bytes = 4 * MiB

/** @throws CodexError `slab/probe-failed`, `slab/closed` */
export async function probeSlab(parts: StoreParts, random: Pick<RandomSource, 'bytes'>): Promise<void> {
  const { ledger, slab } = parts
  const units = await ledger.allocate(PROBE_BYTES / UNIT_BYTES)
  try {
    // Not to be compressed, nor known from another time.
    const pieces = units.map((unit) => ({ offset: unit * UNIT_BYTES, bytes: random.bytes(UNIT_BYTES) }))
    await slab.write(pieces)
    await slab.flush()
    const found = await slab.read(pieces.map(({ offset }) => ({ offset, length: UNIT_BYTES })))
    if (!pieces.every(({ bytes }, i) => equalBytes(bytes, found[i] ?? new Uint8Array()))) throw probeFailed()
  } catch (cause) {
    if (CodexError.is(cause, 'slab/closed') || CodexError.is(cause, 'slab/probe-failed')) throw cause
    throw probeFailed(cause)
  } finally {
    ledger.giveBack(units)
    // What it took stays free for blocks where it cannot be cut off.
    await trimSlab(parts).catch(() => undefined)
  }
}

function probeFailed(cause?: unknown): CodexError<'slab/probe-failed'> {
  return new CodexError(
    'slab/probe-failed',
    `a test of ${PROBE_BYTES / MiB} MiB could not be written and read back where blocks are stored, so nothing is offered from there: free some disk space, or use another disk or browser`,
    { detail: { probeBytes: PROBE_BYTES }, cause },
  )
}
