// The seam to where circuit files that came over the network are kept: a folder, or a tab's own file system. What a file is worth is checked above it.

import type { AbortOptions } from '../lib/abort.ts'
import type { Bytes, Seconds } from '../lib/units.ts'
import type { ByteSource } from './bytesource.ts'

/** A file that is open for reading. */
export interface OpenSource extends ByteSource {
  /** Lets go of it. Never rejects. */
  close(): Promise<void>
}

/** A file under way. Nobody sees it before {@link keep}. */
export interface ArtefactDraft {
  write(bytes: Uint8Array): Promise<void>
  /** Makes it visible, with what is to be remembered of it. */
  keep(record: string): Promise<void>
  /** Throws it away. Never rejects; without effect after {@link keep}. */
  discard(): Promise<void>
}

/** A file that was kept. */
export interface KeptArtefact {
  readonly name: string
  readonly bytes: Bytes
  /** When it was last opened, or kept; to a minute. */
  readonly used: Seconds
}

/** Names are lower-case letters, digits, dots and hyphens. Its calls throw CodexError `proving/cache-failed`. */
export interface ArtefactStore {
  /** Undefined where there is none, or one that was never kept. */
  open(
    name: string,
    options: AbortOptions,
  ): Promise<{ readonly source: OpenSource; readonly record: string } | undefined>
  create(name: string, options: AbortOptions): Promise<ArtefactDraft>
  remove(name: string): Promise<void>
  list(options: AbortOptions): Promise<readonly KeptArtefact[]>
  /** Removes it unless it is open, here or in another tab. @returns false where it stays */
  drop(name: string): Promise<boolean>
}
