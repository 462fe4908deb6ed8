// A disk without a byte left must not lock the user out: looking, reading and removing work, and then there is room again.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { describe, expect, test } from 'vitest'
import { BALLAST_BYTES } from '../../src/platform/nodejs/ballast.ts'
import { smallDisk } from '../fakes/smalldisk.ts'
import { document, failure, noise, run, scratchFolder, soundSpace } from './command.ts'

const MiB = 1024 * 1024
const DISK_BYTES = 32 * MiB
const QUIETLY = ['--log-level', 'error']

function setUp(context: TestContext) {
  const disk = smallDisk(context, DISK_BYTES)
  // What goes in and comes out lies elsewhere.
  const scratch = scratchFolder()
  const dataDir = join(disk.folder, 'data')
  const call = (...args: string[]) => document([...args, '-d', dataDir, ...QUIETLY])
  const fileOf = (bytes: Uint8Array): string => {
    const path = join(scratch, 'file')
    writeFileSync(path, bytes)
    return path
  }
  const upload = async (bytes: Uint8Array): Promise<string> => String((await call('upload', fileOf(bytes)))['cid'])
  const refused = async (bytes: Uint8Array): Promise<void> => {
    const { code, error } = await failure(['upload', fileOf(bytes), '-d', dataDir, '--log-level', 'off'])
    expect({ code, error: error.code }).toEqual({ code: 1, error: expect.stringMatching(/^(slab|datastore)\/full$/) })
  }
  const expectWhole = async (cid: string, bytes: Uint8Array): Promise<void> => {
    const path = join(scratch, 'back')
    expect(await run(['download', cid, '-o', path, '-d', dataDir])).toMatchObject({ code: 0, stderr: '' })
    expect(digest(readFileSync(path))).toBe(digest(bytes))
    rmSync(path)
  }
  const list = async (): Promise<string[]> =>
    ((await call('ls')) as { content: { cid: string }[] }).content.map(({ cid }) => cid)
  const remove = async (cid: string): Promise<void> =>
    expect(await call('rm', cid)).toEqual({ cids: [{ cid, outcome: 'removed' }] })
  const ballastBytes = (): number => {
    const path = join(dataDir, 'ballast')
    return existsSync(path) ? statSync(path).size : 0
  }
  return { disk, dataDir, upload, refused, expectWhole, list, remove, ballastBytes }
}

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

const KEPT = noise(6 * MiB, 1)
const SMALL = noise(200_000, 2)
const TOO_LARGE = noise(60 * MiB, 3)

describe('a full disk', () => {
  test('an upload that does not fit leaves all that was there, and room to go on', async (context) => {
    const { dataDir, upload, refused, expectWhole, list, remove, ballastBytes } = setUp(context)
    const kept = await upload(KEPT)
    expect(ballastBytes()).toBe(BALLAST_BYTES)
    const before = await soundSpace(dataDir)
    await refused(TOO_LARGE)
    expect(await soundSpace(dataDir)).toEqual(before)
    expect(await list()).toEqual([kept])
    await expectWhole(kept, KEPT)
    const small = await upload(SMALL)
    await expectWhole(small, SMALL)
    await remove(small)
    await remove(kept)
    expect(await list()).toEqual([])
    await soundSpace(dataDir)
  })

  test('with the last byte taken by others, looking, reading and removing work again and again', async (context) => {
    const { disk, dataDir, upload, refused, expectWhole, list, remove, ballastBytes } = setUp(context)
    const kept = await upload(KEPT)
    const small = await upload(SMALL)
    disk.fill()
    expect((await list()).sort()).toEqual([kept, small].sort())
    for (let round = 0; round < 3; round++) {
      // Others take what is left whenever they can.
      disk.fill()
      await soundSpace(dataDir)
      disk.fill()
      await expectWhole(small, SMALL)
    }
    disk.fill()
    await remove(small)
    expect(await list()).toEqual([kept])
    disk.fill()
    await refused(TOO_LARGE)
    disk.fill()
    await expectWhole(kept, KEPT)
    disk.fill()
    await remove(kept)
    disk.empty()
    const again = await upload(KEPT)
    await expectWhole(again, KEPT)
    expect(ballastBytes()).toBe(BALLAST_BYTES)
    await soundSpace(dataDir)
  })

  test('removing is the first thing that works', async (context) => {
    const { disk, dataDir, upload, list, remove } = setUp(context)
    const kept = await upload(KEPT)
    disk.fill()
    await remove(kept)
    expect(await list()).toEqual([])
    // Without the other file's leaving: what was removed made the room.
    const small = await upload(SMALL)
    expect(await list()).toEqual([small])
    await soundSpace(dataDir)
  })
})
