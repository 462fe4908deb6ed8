// The verb upload as a process: what it answers, what it refuses, and that a refused upload leaves nothing.

import { appendFileSync, mkdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openFileSource } from '../../src/cli/filesource.ts'
import { document, failure, noise, run, scratchFolder, soundSpace } from './command.ts'

const MiB = 1024 * 1024

function fileOf(folder: string, name: string, bytes: Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  return path
}

test('stores a file under the name and type it has, and prints its CID', async () => {
  const folder = scratchFolder()
  const path = fileOf(folder, 'a report.pdf', noise(200_000, 1))
  const dataDir = join(folder, 'data')
  const found = await document(['upload', path, '-d', dataDir])
  expect(found).toEqual({
    cid: expect.stringMatching(/^zDv/) as unknown,
    treeCid: expect.stringMatching(/^zDz/) as unknown,
    datasetSize: 200_000,
    blockSize: 65_536,
    blocks: 4,
    filename: 'a report.pdf',
    mimetype: 'application/pdf',
    expiry: expect.any(Number) as unknown,
  })
  const days = (Number(found['expiry']) - Date.now() / 1000) / 86_400
  expect(days).toBeGreaterThan(29)
  expect(days).toBeLessThanOrEqual(30)
  const again = await run(['upload', path, '-d', dataDir])
  expect(again).toEqual({ code: 0, stdout: `${String(found['cid'])}\n`, stderr: '' })
})

test('takes name and type from options, or keeps none', async () => {
  const folder = scratchFolder()
  const path = fileOf(folder, 'x.bin', noise(10, 1))
  const common = ['-d', join(folder, 'data')]
  expect(await document(['upload', path, '--filename', 'y.txt', ...common])).toMatchObject({
    filename: 'y.txt',
    mimetype: 'text/plain',
  })
  expect(await document(['upload', path, '--mimetype', 'a/b', ...common])).toMatchObject({ mimetype: 'a/b' })
  expect(await document(['upload', path, '--no-metadata', ...common])).toMatchObject({ filename: null, mimetype: null })
})

test('stores stdin without a name', async () => {
  const dataDir = join(scratchFolder(), 'data')
  const { code, stdout } = await run(['upload', '-', '-d', dataDir, '--json'], { input: noise(65_537, 2) })
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ datasetSize: 65_537, blocks: 2, filename: null, mimetype: null })
})

test('a name without an ending has no type', async () => {
  const folder = scratchFolder()
  const path = fileOf(folder, 'json', noise(10, 1))
  expect(await document(['upload', path, '-d', join(folder, 'data')])).toMatchObject({
    filename: 'json',
    mimetype: null,
  })
})

test('refuses what is no file, and bad names, each with its code', async () => {
  const folder = scratchFolder()
  const file = fileOf(folder, 'file', noise(10, 1))
  mkdirSync(join(folder, 'sub'))
  const tries: readonly [args: string[], code: string, exit: number][] = [
    [[join(folder, 'missing')], 'upload/not-found', 1],
    [[join(file, 'beneath')], 'upload/not-found', 1],
    [[join(folder, 'sub')], 'upload/not-a-file', 1],
    [['/dev/null'], 'upload/not-a-file', 1],
    [[fileOf(folder, 'empty', new Uint8Array(0))], 'upload/empty', 1],
    [['-'], 'upload/empty', 1],
    [[file, '--filename', 'x'.repeat(5000)], 'cli/bad-value', 2],
    [[file, '--mimetype', 'nonsense'], 'cli/bad-value', 2],
    [[file, '--no-metadata', '--filename', 'x'], 'cli/bad-operands', 2],
    [[], 'cli/bad-operands', 2],
    [[file, file], 'cli/bad-operands', 2],
  ]
  for (const [args, code, exit] of tries) {
    const found = await failure(['upload', ...args, '-d', join(folder, 'data')])
    expect([args, found.error.code, found.code]).toEqual([args, code, exit])
  }
  expect(await soundSpace(join(folder, 'data'))).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
})

test('a quota that ends half-way refuses all of it', async () => {
  const folder = scratchFolder()
  const common = ['-d', join(folder, 'data'), '-q', '12MiB']
  const kept = await document(['upload', fileOf(folder, 'small', noise(MiB, 1)), ...common])
  const before = await soundSpace(join(folder, 'data'))
  const { code, error } = await failure(['upload', fileOf(folder, 'large', noise(30 * MiB, 2)), ...common])
  expect([code, error.code]).toEqual([5, 'store/quota-exceeded'])
  expect(error.detail).toMatchObject({ quotaBytes: 12 * MiB, freeBytes: expect.any(Number) as unknown })
  expect(error.message).toMatch(/^[\d.]+ MiB more do not fit: [\d.]+ \w+ of 12 MiB are free; raise --storage-quota/)
  expect(await soundSpace(join(folder, 'data'))).toEqual(before)
  const { content } = await document(['ls', ...common])
  expect(content).toEqual([expect.objectContaining({ cid: kept['cid'] })])
})

test('a file that somebody writes to meanwhile is refused, and nothing of it stays', async () => {
  const folder = scratchFolder()
  const path = fileOf(folder, 'growing', noise(32 * MiB, 3))
  const writer = setInterval(() => appendFileSync(path, 'more'), 1)
  try {
    const { code, error } = await failure(['upload', path, '-d', join(folder, 'data')])
    expect([code, error.code]).toEqual([1, 'upload/file-changed'])
  } finally {
    clearInterval(writer)
  }
  expect(await soundSpace(join(folder, 'data'))).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
})

test.each<[name: string, change: (path: string) => void]>([
  ['grows', (path) => appendFileSync(path, 'x')],
  ['shrinks', (path) => writeFileSync(path, noise(MiB, 1))],
  ['is written over in place', (path) => writeFileSync(path, noise(3 * MiB, 9))],
  ['gets another time', (path) => utimesSync(path, 1, statSync(path).mtimeMs / 1000 - 10)],
])('reading notices when the file %s behind the first piece', async (_, change) => {
  const path = fileOf(scratchFolder(), 'file', noise(3 * MiB, 1))
  utimesSync(path, 1000, 1000)
  const source = await openFileSource(path)
  try {
    const read = (async () => {
      let pieces = 0
      for await (const _piece of source.pieces) if (pieces++ === 0) change(path)
    })()
    await expect(read).rejects.toMatchObject({ code: 'upload/file-changed' })
  } finally {
    await source.close()
  }
})

test('reading hands out every byte once', async () => {
  const bytes = noise(2 * MiB + 12_345, 4)
  const source = await openFileSource(fileOf(scratchFolder(), 'file', bytes))
  const parts: Uint8Array[] = []
  // Copied, because a piece is overwritten later.
  for await (const piece of source.pieces) parts.push(piece.slice())
  await source.close()
  expect(source.sizeBytes).toBe(bytes.length)
  expect(Buffer.concat(parts).equals(bytes)).toBe(true)
})
