// The ballast of a data folder: made where there is room, given up when there is none, for removals alone.

import { existsSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { KiB, MiB } from '../../src/lib/units.ts'
import { BALLAST_BYTES, BALLAST_ROOM_BYTES, Ballast } from '../../src/platform/nodejs/ballast.ts'
import type { DataFolder } from '../../src/platform/nodejs/datafolder.ts'
import { openDataFolder } from '../../src/platform/nodejs/datafolder.ts'
import { indexKey, joinKey, textKey } from '../../src/storage/storagekey.ts'
import { smallDisk } from '../fakes/smalldisk.ts'

const sizeOf = (path: string): number => (existsSync(path) ? statSync(path).size : 0)

async function close({ slab, datastore, release }: DataFolder): Promise<void> {
  await slab.close()
  await datastore.close()
  await release()
}

test('is made where there is room for twice as much, really takes it, and is left alone then', async (context) => {
  const { folder } = smallDisk(context, BALLAST_ROOM_BYTES + MiB)
  const path = join(folder, 'ballast')
  await new Ballast(path).load()
  const { size, blocks, ino } = statSync(path)
  expect(size).toBe(BALLAST_BYTES)
  expect(blocks * 512).toBeGreaterThanOrEqual(BALLAST_BYTES)
  await new Ballast(path).load()
  expect(statSync(path).ino).toBe(ino)
})

test('is not made where that would take most of what is free, and one cut short goes', async (context) => {
  const { folder } = smallDisk(context, BALLAST_ROOM_BYTES - MiB)
  const path = join(folder, 'ballast')
  await writeFile(path, new Uint8Array(5000))
  const ballast = new Ballast(path)
  expect(await ballast.giveUp()).toBe(true)
  expect(await ballast.giveUp()).toBe(false)
  await writeFile(path, new Uint8Array(5000))
  await new Ballast(path).load()
  expect(existsSync(path)).toBe(false)
})

test('takes back what is left, and only of what it gave up', async (context) => {
  const { folder, fill, empty } = smallDisk(context, BALLAST_ROOM_BYTES)
  const path = join(folder, 'ballast')
  const ballast = new Ballast(path)
  await ballast.takeBack()
  expect(existsSync(path)).toBe(false)
  await ballast.load()
  await ballast.giveUp()
  await writeFile(join(folder, 'taken'), new Uint8Array(100 * KiB))
  await ballast.takeBack()
  expect(sizeOf(path)).toBe(BALLAST_BYTES)
  fill()
  await ballast.giveUp()
  await writeFile(join(folder, 'taken too'), new Uint8Array(MiB))
  await ballast.takeBack()
  expect(sizeOf(path)).toBe(BALLAST_BYTES - MiB)
  empty()
})

test('a folder in which nothing can be made is no failure', async () => {
  const ballast = new Ballast(join('no', 'such', 'folder', 'ballast'))
  await ballast.load()
  expect(await ballast.giveUp()).toBe(false)
  await ballast.takeBack()
})

test('on a disk that fills up while the node runs, removals go on and puts do not', async (context) => {
  const { folder, fill, empty } = smallDisk(context, 32 * MiB)
  const dataDir = join(folder, 'data')
  await mkdir(dataDir)
  const open = await openDataFolder(dataDir)
  const { datastore } = open
  const keys = Array.from({ length: 60 }, (_, i) => joinKey('record/', indexKey(i)))
  const value = crypto.getRandomValues(new Uint8Array(16 * KiB))
  await datastore.commit(keys.map((put) => ({ put, value })))
  fill()
  const put = { put: textKey('new'), value: crypto.getRandomValues(new Uint8Array(16 * KiB)) }
  for (let i = 0; i < 2; i++) await expect(datastore.commit([put])).rejects.toMatchObject({ code: 'datastore/full' })
  expect(sizeOf(join(dataDir, 'ballast'))).toBe(BALLAST_BYTES)
  for (const drop of keys.slice(0, 30)) await datastore.commit([{ drop }])
  expect(sizeOf(join(dataDir, 'ballast'))).toBe(0)
  const found = await datastore.getMany([put.put, ...keys])
  expect(found.map((bytes) => bytes !== undefined)).toEqual([false, ...keys.map((_, i) => i >= 30)])
  await close(open)
  expect(sizeOf(join(dataDir, 'ballast'))).toBeGreaterThan(BALLAST_BYTES / 2)
  fill()
  const again = await openDataFolder(dataDir)
  expect((await again.datastore.getMany(keys)).map((bytes) => bytes !== undefined)).toEqual(keys.map((_, i) => i >= 30))
  empty()
  await again.datastore.commit([put])
  await close(again)
  await close(await openDataFolder(dataDir))
  expect(sizeOf(join(dataDir, 'ballast'))).toBe(BALLAST_BYTES)
})
