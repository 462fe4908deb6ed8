// Chooses where a tab keeps block bytes: OPFS where it exists, else IndexedDB. It says which, and never changes its mind over a passing failure.

import type { AbortOptions } from '../../lib/abort.ts'
import { utf8 } from '../../lib/bytes.ts'
import { CodexError } from '../../lib/errors.ts'
import type { Datastore } from '../../storage/datastore.ts'
import { DatastoreSlabFile } from '../../storage/datastoreslabfile.ts'
import { namespace } from '../../storage/namespace.ts'
import type { SlabFile } from '../../storage/slabfile.ts'
import { OpfsSlabFile } from './opfsslabfile.ts'

export type OpenedSlabFile = SlabFile & { readonly kind: 'opfs' | 'indexeddb' }

export interface OpenSlabFileOptions extends AbortOptions {
  /**
   * Holds the bytes where there is no OPFS, beside the records: in one database the strict commit of a record takes earlier, relaxed ones
   * along. The caller closes it, after the file.
   */
  readonly datastore: Datastore
  /** As {@link OpfsSlabFileOptions.replaced}. */
  readonly replaced?: ((error: CodexError) => void) | undefined
}

/**
 * Opens the slab of the node `name`. Only a browser that lacks OPFS gets IndexedDB: a locked or failing file is an error, because an empty
 * slab in its place would look like lost data.
 *
 * @throws CodexError `slab/locked` (another tab or worker holds it), `slab/failed`; or the signal's reason
 */
export async function openSlabFile(
  name: string,
  { datastore, replaced, signal }: OpenSlabFileOptions,
): Promise<OpenedSlabFile> {
  signal.throwIfAborted()
  const file = (await openOpfs(name, replaced)) ?? (await openIndexedDb(datastore))
  if (signal.aborted) await file.close()
  signal.throwIfAborted()
  return file
}

async function openOpfs(name: string, replaced: OpenSlabFileOptions['replaced']): Promise<OpenedSlabFile | undefined> {
  if (typeof navigator.storage?.getDirectory !== 'function') return undefined
  try {
    const file = await OpfsSlabFile.open(`codex-light/${name}.slab`, { replaced })
    return Object.assign(file, { kind: 'opfs' as const })
  } catch (error) {
    if (CodexError.is(error, 'slab/unsupported')) return undefined
    throw error
  }
}

async function openIndexedDb(datastore: Datastore): Promise<OpenedSlabFile> {
  const file = await DatastoreSlabFile.open(namespace(datastore, utf8('slab/')))
  return Object.assign(file, { kind: 'indexeddb' as const })
}
