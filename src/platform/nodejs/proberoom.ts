// Tries whether LevelDB could be opened anew in its folder, by taking as much room as that may need and giving it back. It says nothing of later.

import { open, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { MiB } from '../../lib/units.ts'
import type { Bytes } from '../../lib/units.ts'

/** Beyond the size of LevelDB's log, which is written out once more when it is opened. */
const MARGIN_BYTES: Bytes = MiB
const PROBE_FILE = 'room.probe'

/** Rejects as a full disk does unless there is room. */
export async function probeRoom(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.log'))
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size))
  const path = join(folder, PROBE_FILE)
  const file = await open(path, 'w')
  try {
    const piece = new Uint8Array(MARGIN_BYTES)
    const total = sizes.reduce((sum, size) => sum + size, MARGIN_BYTES)
    for (let done = 0; done < total; done += piece.length) await file.writeFile(piece)
    await file.sync()
  } finally {
    await file.close()
    await rm(path, { force: true })
  }
}
