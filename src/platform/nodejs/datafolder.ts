// A node's folder on disk: LevelDB for the index, one file for block bytes, a note of who has it open.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodexError } from '../../lib/errors.ts'
import type { Datastore } from '../../storage/datastore.ts'
import type { SlabFile } from '../../storage/slabfile.ts'
import { FileSlabFile } from './fileslabfile.ts'
import { LevelDatastore } from './leveldatastore.ts'

export interface DataFolder {
  readonly datastore: Datastore
  readonly slab: SlabFile
  /** Forgets who had it open; after the stores are closed. */
  readonly release: () => Promise<void>
}

const INDEX_FOLDER = 'index'
const SLAB_FILE = 'blocks.slab'
const PID_FILE = 'node.pid'

/**
 * Opens the folder, making it (for this user only) when missing. The database's own lock keeps two nodes apart, and the system lets go of it
 * however a process ends; the pid beside it only serves to name the holder.
 * @throws CodexError `node/folder-in-use` naming the pid, `node/bad-folder`, and as the stores do
 */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new CodexError(
      'node/bad-folder',
      `the data folder ${folder} cannot be made or is no folder; choose another with --data-dir`,
      {
        detail: { folder },
        cause,
      },
    )
  }
  const pidFile = join(folder, PID_FILE)
  const datastore = await openIndex(folder, pidFile)
  try {
    await writeFile(pidFile, `${process.pid}\n`, { mode: 0o600 })
    const slab = await FileSlabFile.open(join(folder, SLAB_FILE))
    return { datastore, slab, release: () => forget(pidFile) }
  } catch (error) {
    await datastore.close()
    throw error
  }
}

/** The lock is free by now: the next holder may have written its own pid already, and that must stay. */
async function forget(pidFile: string): Promise<void> {
  const written = await readFile(pidFile, 'utf8').catch(() => '')
  if (Number.parseInt(written, 10) === process.pid) await rm(pidFile, { force: true })
}

async function openIndex(folder: string, pidFile: string): Promise<Datastore> {
  try {
    return await LevelDatastore.open(join(folder, INDEX_FOLDER))
  } catch (cause) {
    if (!CodexError.is(cause, 'datastore/locked')) throw cause
    const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
    const holder = Number.isNaN(pid) ? 'another process' : `process ${pid}`
    throw new CodexError(
      'node/folder-in-use',
      `${folder} is in use by ${holder}: stop it, or choose another folder with --data-dir`,
      {
        detail: { folder, pid: Number.isNaN(pid) ? null : pid },
        cause,
      },
    )
  }
}
