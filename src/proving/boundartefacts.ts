// How much is kept of what came over the network or was made: what was used last stays, the rest goes. What is open never goes.

import type { AbortOptions } from '../lib/abort.ts'
import { CodexError } from '../lib/errors.ts'
import { MiB } from '../lib/units.ts'
import type { Bytes } from '../lib/units.ts'
import type { ArtefactStore, KeptArtefact } from './artefactstore.ts'

export interface ArtefactLimits {
  /** Of all files together. */
  readonly maxBytes: Bytes
  /** A circuit has two, a development setup one. */
  readonly maxFiles: number
  /** Of what is remembered of files that lie elsewhere. */
  readonly maxRecords: number
}

/** So end the names of what is only remembered, of files that lie elsewhere. */
export const RECORD_ENDING = '.known'

/** Eight circuits, or what a browser gives a page without asking. */
export const DEFAULT_ARTEFACT_LIMITS: ArtefactLimits = { maxBytes: 1024 * MiB, maxFiles: 16, maxRecords: 256 }

/**
 * Lets go of what was not used for longest until the rest is within the limits, or everything left is open.
 * @param newest was just kept, so it stays
 */
export async function boundArtefacts(
  store: ArtefactStore,
  { newest, limits = DEFAULT_ARTEFACT_LIMITS }: { newest: string; limits?: ArtefactLimits | undefined },
  options: AbortOptions,
): Promise<void> {
  const kept = await store.list(options)
  const { maxBytes, maxFiles, maxRecords } = limits
  const isRecord = ({ name }: KeptArtefact): boolean => name.endsWith(RECORD_ENDING)
  const files = kept.filter((each) => !isRecord(each))
  await dropOldest(store, { kept: files, newest, maxCount: maxFiles, maxBytes }, options)
  await dropOldest(store, { kept: kept.filter(isRecord), newest, maxCount: maxRecords, maxBytes }, options)
}

interface Bounded {
  readonly kept: readonly KeptArtefact[]
  readonly newest: string
  readonly maxCount: number
  readonly maxBytes: Bytes
}

async function dropOldest(
  store: ArtefactStore,
  { kept, newest, maxCount, maxBytes }: Bounded,
  { signal }: AbortOptions,
): Promise<void> {
  let count = kept.length
  let bytes = kept.reduce((sum, each) => sum + each.bytes, 0)
  for (const each of [...kept].sort((a, b) => a.used - b.used)) {
    if (count <= maxCount && bytes <= maxBytes) return
    signal.throwIfAborted()
    if (each.name === newest || !(await isDropped(store, each.name))) continue
    count--
    bytes -= each.bytes
  }
}

/** What cannot be removed today is tried again when the next one is kept: no reason to go without what was fetched. */
async function isDropped(store: ArtefactStore, name: string): Promise<boolean> {
  try {
    return await store.drop(name)
  } catch (error) {
    if (CodexError.is(error, 'proving/cache-failed')) return false
    throw error
  }
}
