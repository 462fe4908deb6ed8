// Compiles the storage proof's circuit on a thread of its own: it computes for seconds in one go, and takes memory that ends with the thread.

import type { AbortOptions } from '../../lib/abort.ts'
import { raceAbort } from '../../lib/abort.ts'
import type { CircuitApi, CircuitSize, CompiledFiles } from './circuitapi.ts'
import { ThreadWorkers } from './threadworkers.ts'

/** @throws CodexError `circuit/no-compiler`, `circuit/does-not-compile`, or the signal's reason */
export async function compileOnThread(
  size: CircuitSize,
  folder: string,
  { signal }: AbortOptions,
): Promise<CompiledFiles> {
  signal.throwIfAborted()
  const script = new URL('../../entries/circuitworker.nodejs.ts', import.meta.url)
  const thread = new ThreadWorkers<CircuitApi>({ script }).spawn()
  try {
    return await raceAbort(thread.api.compile(size, folder), signal)
  } finally {
    thread.end()
    await thread.closed
  }
}
