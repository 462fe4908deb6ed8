import { spawnSync } from 'node:child_process'
import type { FileHandle } from 'node:fs/promises'
import { mkdir, mkdtemp, open, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test, vi } from 'vitest'
import { FileSlabFile } from '../../src/platform/nodejs/fileslabfile.ts'
import { bundleChild } from '../children.ts'
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
