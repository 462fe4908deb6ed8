// A node's folder on disk: LevelDB for the index, one file for block bytes, a note of who has it open, and ballast for a full disk.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CodexError } from '../../lib/errors.ts'
import type { Datastore } from '../../storage/datastore.ts'
import type { SlabFile } from '../../storage/slabfile.ts'
import { Ballast } from './ballast.ts'
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
const BALLAST_FILE = 'ballast'

/**
 * Opens the folder, making it (for this user only) when missing. The database's own lock keeps two nodes apart, and the system lets go of it
 * however a process ends; the pid beside it only serves to name the holder. On a full disk the {@link Ballast} makes the room that opening and
 * removing need; {@link DataFolder.release} takes back what is left of it, and an opening with room to spare makes it whole again.
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
  const ballast = new Ballast(join(folder, BALLAST_FILE))
  const datastore = await openIndex(folder, pidFile, ballast)
  try {
    await writeFile(pidFile, `${process.pid}\n`, { mode: 0o600 }).catch((error: unknown) => unnamed(pidFile, error))
    const slab = await FileSlabFile.open(join(folder, SLAB_FILE))
    await ballast.load()
    const release = async (): Promise<void> => {
      await ballast.takeBack()
      await forget(pidFile)
    }
    return { datastore, slab, release }
  } catch (error) {
    await datastore.close()
    await ballast.takeBack()
    throw error
  }
}

/** A node that cannot say who it is for want of room goes on without a name. */
async function unnamed(pidFile: string, error: unknown): Promise<void> {
  if (!(error instanceof Error) || !('code' in error) || (error.code !== 'ENOSPC' && error.code !== 'EDQUOT'))
    throw error
  await rm(pidFile, { force: true })
}

/** The lock is free by now: the next holder may have written its own pid already, and that must stay. */
async function forget(pidFile: string): Promise<void> {
  const written = await readFile(pidFile, 'utf8').catch(() => '')
  if (Number.parseInt(written, 10) === process.pid) await rm(pidFile, { force: true })
}

async function openIndex(folder: string, pidFile: string, ballast: Ballast): Promise<Datastore> {
  const freeRoom = (): Promise<boolean> => ballast.giveUp()
  const open = (): Promise<Datastore> => LevelDatastore.open(join(folder, INDEX_FOLDER), { freeRoom })
  try {
    return await open()
  } catch (error) {
    if (CodexError.is(error, 'datastore/locked')) throw await inUse(folder, pidFile, error)
    if (!CodexError.is(error, 'datastore/full') || !(await ballast.giveUp())) throw error
  }
  try {
    return await open()
  } catch (error) {
    await ballast.takeBack()
    throw error
  }
}

async function inUse(folder: string, pidFile: string, cause: unknown): Promise<CodexError> {
  const pid = Number.parseInt(await readFile(pidFile, 'utf8').catch(() => ''), 10)
  const holder = Number.isNaN(pid) ? 'another process' : `process ${pid}`
  return new CodexError(
    'node/folder-in-use',
    `${folder} is in use by ${holder}: stop it, or choose another folder with --data-dir`,
    {
      detail: { folder, pid: Number.isNaN(pid) ? null : pid },
      cause,
    },
  )
}
