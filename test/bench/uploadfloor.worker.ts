// The least an upload can cost in a tab: hash every block, append the same bytes to a file, one flush. Answers the seconds it took.

import { KiB } from '../../src/lib/units.ts'
import { readFile } from '../../web/readfile.ts'

const BLOCK_BYTES = 64 * KiB

interface SyncHandle {
  write(bytes: Uint8Array, options: { at: number }): number
  flush(): void
  close(): void
}

globalThis.onmessage = async ({ data: source }: MessageEvent<Blob>) => {
  const folder = await navigator.storage.getDirectory()
  const entry = (await folder.getFileHandle('floor', { create: true })) as FileSystemFileHandle & {
    createSyncAccessHandle(): Promise<SyncHandle>
  }
  const file = await entry.createSyncAccessHandle()
  const begin = performance.now()
  let at = 0
  for await (const piece of readFile(source)) {
    const blocks: Promise<ArrayBuffer>[] = []
    for (let start = 0; start < piece.length; start += BLOCK_BYTES)
      blocks.push(
        crypto.subtle.digest('SHA-256', piece.subarray(start, start + BLOCK_BYTES) as Uint8Array<ArrayBuffer>),
      )
    at += file.write(piece, { at })
    await Promise.all(blocks)
  }
  file.flush()
  const seconds = (performance.now() - begin) / 1000
  file.close()
  if (at !== source.size) throw new Error(`wrote ${at} of ${source.size} bytes`)
  globalThis.postMessage(seconds)
}
