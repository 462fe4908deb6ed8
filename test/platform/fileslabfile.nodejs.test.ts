import { spawnSync } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import { mkdir, mkdtemp, open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { alignedMemory } from '../../src/platform/nodejs/alignedmemory.ts'
import { FileSlabFile } from '../../src/platform/nodejs/fileslabfile.ts'
import { bundleChild } from '../children.ts'
import { expectBytes } from '../fakes/expectbytes.ts'
import { seededBytes } from '../fakes/memorystore.ts'
import { slabFileSuite } from '../suites/slabfile.ts'

const folders: string[] = []
async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-slab-'))
  folders.push(folder)
  return folder
}
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

slabFileSuite('FileSlabFile', {
  modelRuns: 50,
  place: async () => {
    const path = join(await newFolder(), 'blocks.slab')
    return { open: () => FileSlabFile.open(path) }
  },
})

test('only the owner may read the file', async () => {
  const path = join(await newFolder(), 'blocks.slab')
  await (await FileSlabFile.open(path)).close()
  expect((await stat(path)).mode & 0o077).toBe(0)
})

test('anything but a plain file at the path is a typed error', async () => {
  const folder = await newFolder()
  await mkdir(join(folder, 'folder'))
  await expect(FileSlabFile.open(join(folder, 'folder'))).rejects.toMatchObject({ code: 'slab/not-a-file' })
  await expect(FileSlabFile.open('/dev/null')).rejects.toMatchObject({ code: 'slab/not-a-file' })
  await (await FileSlabFile.open(join(folder, 'file'))).close()
  await expect(FileSlabFile.open(join(folder, 'file', 'below'))).rejects.toMatchObject({ code: 'slab/not-a-file' })
  await expect(FileSlabFile.open(join(folder, 'nowhere', 'file'))).rejects.toMatchObject({ code: 'slab/failed' })
})

test('a disk that takes no more is slab/full, and what was there is unharmed', async () => {
  const path = join(await newFolder(), 'blocks.slab')
  const child = fileURLToPath(await bundleChild('fullslab'))
  // The limit is in units of 1024 bytes and ends inside the second block.
  const command = 'ulimit -f 100; exec "$0" "$1" "$2"'
  const { stdout, stderr, status } = spawnSync('bash', ['-c', command, process.execPath, child, path], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toEqual({ error: 'slab/full', isFirstBlockWhole: true, isUsable: true })
})

test('after a failed flush nothing more is written until the file is opened anew', async () => {
  const path = join(await newFolder(), 'blocks.slab')
  const file = await FileSlabFile.open(path)
  await file.write([{ offset: 0, bytes: new Uint8Array(10) }])
  const other = await open(path)
  const handles = Object.getPrototypeOf(other) as FileHandle
  await other.close()
  const datasync = vi
    .spyOn(handles, 'datasync')
    .mockRejectedValueOnce(Object.assign(new Error('bad disk'), { code: 'EIO' }))
  await expect(file.flush()).rejects.toMatchObject({ code: 'slab/failed' })
  datasync.mockRestore()
  await expect(file.flush()).rejects.toMatchObject({ code: 'slab/failed' })
  await expect(file.write([{ offset: 0, bytes: new Uint8Array(1) }])).rejects.toMatchObject({ code: 'slab/failed' })
  expect((await file.read([{ offset: 0, length: 10 }]))[0]).toHaveLength(10)
  await file.close()
  const again = await FileSlabFile.open(path)
  await again.write([{ offset: 0, bytes: new Uint8Array(1) }])
  await again.flush()
  await again.close()
})

describe('bulk in aligned memory', () => {
  const memory = alignedMemory(3 * 65_536)
  memory.set(seededBytes(memory.length, 8))
  const piece = (first: number, last: number): Uint8Array => memory.subarray(first, last)

  test('is there for every reader, among other writes and at any offset', async () => {
    const path = join(await newFolder(), 'blocks.slab')
    const file = await FileSlabFile.open(path)
    const plain = seededBytes(10_000, 9)
    await file.write([{ offset: 0, bytes: piece(0, 65_536) }])
    await Promise.all([
      file.write([
        { offset: 65_536, bytes: piece(65_536, 131_072) },
        { offset: 131_072, bytes: piece(131_072, 196_608) },
      ]),
      file.write([{ offset: 200_000, bytes: piece(0, 4096) }]),
      file.write([{ offset: 300_000, bytes: plain }]),
    ])
    await file.write([{ offset: 65_000, bytes: plain.subarray(0, 10) }])
    await file.write([{ offset: 262_144, bytes: piece(1, 4097) }])
    await file.flush()
    const expected = new Uint8Array(310_000)
    expected.set(memory)
    expected.set(piece(0, 4096), 200_000)
    expected.set(plain, 300_000)
    expected.set(plain.subarray(0, 10), 65_000)
    expected.set(piece(1, 4097), 262_144)
    expectBytes((await file.read([{ offset: 0, length: 310_000 }]))[0], expected)
    await file.close()
    expectBytes(new Uint8Array(await readFile(path)), expected)
  })

  test('is written the usual way where the file system refuses the other', async () => {
    const path = join(await newFolder(), 'blocks.slab')
    const file = await FileSlabFile.open(path)
    const other = await open(path)
    const handles = Object.getPrototypeOf(other) as FileHandle
    await other.close()
    const writev = vi.spyOn(handles, 'writev').mockRejectedValueOnce(Object.assign(new Error('no'), { code: 'EINVAL' }))
    await file.write([{ offset: 0, bytes: piece(0, 65_536) }])
    await file.write([{ offset: 65_536, bytes: piece(65_536, 131_072) }])
    expect(writev.mock.calls.length).toBe(3)
    writev.mockRestore()
    expectBytes((await file.read([{ offset: 0, length: 131_072 }]))[0], piece(0, 131_072))
    await file.close()
  })

  test('says when the disk is full', async () => {
    const file = await FileSlabFile.open(join(await newFolder(), 'blocks.slab'))
    const probe = await open('/dev/null')
    const handles = Object.getPrototypeOf(probe) as FileHandle
    await probe.close()
    const writev = vi.spyOn(handles, 'writev').mockRejectedValueOnce(Object.assign(new Error('no'), { code: 'ENOSPC' }))
    await expect(file.write([{ offset: 0, bytes: piece(0, 65_536) }])).rejects.toMatchObject({ code: 'slab/full' })
    writev.mockRestore()
    await file.close()
  })
})
