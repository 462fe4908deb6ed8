// Where a download goes: straight to a file the person chooses, where the browser can do that, else through memory into its downloads.

import { CodexError } from '../src/lib/errors.ts'
import { MiB } from '../src/lib/units.ts'
import type { Bytes } from '../src/lib/units.ts'

/** The most that goes through memory. */
export const MAX_BLOB_BYTES: Bytes = 512 * MiB
/** Pieces are gathered to this size before they cross to the browser's process. */
const WRITE_BYTES: Bytes = 2 * MiB
/** By then the browser has taken over what a link pointed to. */
const REVOKE_AFTER_MS = 60_000
const MAX_NAME_CHARS = 120

/** Writes all of `bytes`, telling how many are written; on failure nothing is left. */
export type Target = (bytes: AsyncIterable<Uint8Array>, advance: (doneBytes: Bytes) => void) => Promise<void>

export interface Download {
  readonly filename: string
  readonly totalBytes: Bytes
}

interface SavePicker {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>
}

/**
 * Asks where to put the file. Must be called in a click.
 * @returns undefined when the person thought better of it @throws CodexError `page/too-large-to-save`
 */
export async function chooseTarget({ filename, totalBytes }: Download): Promise<Target | undefined> {
  const picker: SavePicker = window as SavePicker
  const suggestedName = safeName(filename)
  if (picker.showSaveFilePicker === undefined) {
    if (totalBytes > MAX_BLOB_BYTES)
      throw new CodexError('page/too-large-to-save', `at most ${MAX_BLOB_BYTES} bytes go through memory`, {
        detail: { totalBytes, limitBytes: MAX_BLOB_BYTES },
      })
    return (bytes, advance) => saveAsBlob(suggestedName, bytes, advance)
  }
  try {
    const handle = await picker.showSaveFilePicker({ suggestedName })
    return (bytes, advance) => saveToHandle(handle, bytes, advance)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return undefined
    throw error
  }
}

/** The browser swaps the finished file in at `close`: until then the old one, if any, is untouched. */
async function saveToHandle(
  handle: FileSystemFileHandle,
  bytes: AsyncIterable<Uint8Array>,
  advance: (doneBytes: Bytes) => void,
): Promise<void> {
  const writable = await handle.createWritable()
  try {
    await pass(bytes, (piece) => writable.write(piece), advance)
    await writable.close()
  } catch (error) {
    await writable.abort().catch(() => undefined)
    throw error
  }
}

async function saveAsBlob(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  advance: (doneBytes: Bytes) => void,
): Promise<void> {
  // A Blob of Blobs, which browsers keep on disk when they grow.
  const pieces: Blob[] = []
  await pass(bytes, async (piece) => void pieces.push(piece), advance)
  // Never the type the uploader claimed: a page of somebody else's must not run as one of ours.
  const url = URL.createObjectURL(new Blob(pieces, { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), REVOKE_AFTER_MS)
}

/** Hands all of `bytes` on in larger pieces, each when the one before is taken. */
async function pass(
  bytes: AsyncIterable<Uint8Array>,
  take: (piece: Blob) => Promise<void>,
  advance: (doneBytes: Bytes) => void,
): Promise<void> {
  let done = 0
  for await (const piece of gathered(bytes)) {
    await take(piece)
    done += piece.size
    advance(done)
  }
}

async function* gathered(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Blob, void> {
  let parts: BlobPart[] = []
  let size = 0
  for await (const piece of bytes) {
    parts.push(piece as Uint8Array<ArrayBuffer>)
    size += piece.length
    if (size < WRITE_BYTES) continue
    yield new Blob(parts)
    parts = []
    size = 0
  }
  if (size > 0) yield new Blob(parts)
}

/** A name without a path, control characters and what file systems refuse. */
function safeName(filename: string): string {
  // Cut first: of a long name the search for its ends would take long.
  const cut = filename.replace(/[\p{C}\\/:*?"<>|~]/gu, '_').slice(-MAX_NAME_CHARS)
  const name = cut.replace(/^[.\s]+|[.\s]+$/g, '')
  return name === '' ? 'file' : name
}
