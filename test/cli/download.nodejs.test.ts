// The verb download as a process: bytes come back whole, files appear only whole, and no manifest chooses a path.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { safeFilename } from '../../src/cli/safefilename.ts'
import { blockCid } from '../../src/protocol/block.ts'
import { document, failure, noise, run, scratchFolder } from './command.ts'

const BYTES = noise(3_000_000, 7)

async function stored(name = 'data.bin') {
  const folder = scratchFolder()
  const dataDir = join(folder, 'data')
  writeFileSync(join(folder, 'source'), BYTES)
  const { cid } = await document(['upload', join(folder, 'source'), '--filename', name, '-d', dataDir])
  const out = join(folder, 'out')
  mkdirSync(out)
  return { folder, dataDir, out, cid: String(cid) }
}

test('writes the file, whole, and says where', async () => {
  const { dataDir, out, cid } = await stored()
  const path = join(out, 'back')
  const found = await document(['download', cid, '-o', path, '-d', dataDir])
  expect(found).toEqual({ cid, path, bytes: BYTES.length, filename: 'data.bin', mimetype: 'application/octet-stream' })
  expect(readFileSync(path).equals(BYTES)).toBe(true)
  expect(readdirSync(out)).toEqual(['back'])
})

test('without -o takes the base name from the manifest, in the current folder', async () => {
  const { dataDir, out, cid } = await stored('../../etc/.profile')
  expect(await run(['download', cid, '-d', dataDir], { cwd: out })).toMatchObject({ code: 0, stdout: 'profile\n' })
  expect(readdirSync(out)).toEqual(['profile'])
})

test('reads ranges, single blocks, and to stdout', async () => {
  const { dataDir, out, cid } = await stored()
  const read = async (...args: string[]) => {
    const path = join(out, 'part')
    expect(await run(['download', ...args, '-o', path, '--force', '-d', dataDir])).toMatchObject({
      code: 0,
      stderr: '',
    })
    return readFileSync(path)
  }
  expect(
    (await read(cid, '--offset', '65530', '--length', '64KiB')).equals(BYTES.subarray(65_530, 65_530 + 65_536)),
  ).toBe(true)
  expect((await read(cid, '--offset', String(BYTES.length - 1))).equals(BYTES.subarray(-1))).toBe(true)
  expect(await read(cid, '--length', '0')).toHaveLength(0)
  const block = BYTES.subarray(65_536, 131_072)
  expect((await read(String(blockCid(block)))).equals(block)).toBe(true)
  expect((await read(String(blockCid(block)), '--offset', '10', '--length', '5')).equals(block.subarray(10, 15))).toBe(
    true,
  )
  const text = await run(['download', cid, '--length', '0', '-o', '-', '-d', dataDir])
  expect(text).toEqual({ code: 0, stdout: '', stderr: '' })
})

test('refuses targets it must not touch, bad ranges and bad CIDs, and leaves no part', async () => {
  const { cid, out, dataDir, folder } = await stored()
  mkdirSync(join(out, 'sub'))
  writeFileSync(join(out, 'there'), 'precious')
  writeFileSync(join(out, 'half.part'), 'of another download')
  const target = join(out, 'x')
  const tries: readonly [args: string[], code: string, exit: number][] = [
    [[cid, '-o', join(out, 'there')], 'download/target-exists', 1],
    [[cid, '-o', join(out, 'sub')], 'download/target-is-folder', 1],
    [[cid, '-o', join(out, 'sub'), '--force'], 'download/target-is-folder', 1],
    [[cid, '-o', join(out, 'half')], 'download/part-exists', 1],
    [[cid, '-o', join(out, 'none', 'x')], 'download/cannot-write', 1],
    [[cid, '-o', join(out, 'there', 'x')], 'download/cannot-write', 1],
    [[cid, '-o', '-'], 'cli/bad-operands', 2],
    [[cid, '-o', target, '--offset', '4000000'], 'dataset/bad-range', 2],
    [[cid, '-o', target, '--offset', '1', '--length', String(BYTES.length)], 'dataset/bad-range', 2],
    [[cid, '-o', target, '--length', 'x'], 'units/not-a-size', 2],
    [[cid, '-o', target, '--offset=-1'], 'units/not-a-size', 2],
    [[cid.slice(0, -1), '-o', target], 'cid/truncated', 2],
    [[`${cid}0`, '-o', target], 'cid/not-base58btc', 2],
    [['z'.repeat(65), '-o', target], 'cid/text-too-long', 2],
    [[String(blockCid(noise(5, 5))), '-o', target], 'dataset/not-found', 1],
    [
      [cid.replace(/^.{4}/, 'zDvZ').replace(/.$/, (c) => (c === 'a' ? 'b' : 'a')), '-o', target],
      'dataset/not-found',
      1,
    ],
  ]
  for (const [args, code, exit] of tries) {
    const found = await failure(['download', ...args, '-d', dataDir], { cwd: folder })
    expect([args, found.error.code, found.code]).toEqual([args, code, exit])
  }
  expect(readdirSync(out).sort()).toEqual(['half.part', 'sub', 'there'])
  expect(readFileSync(join(out, 'there'), 'utf8')).toBe('precious')
})

test('--force replaces a file, and a device is written to, never replaced', async () => {
  const { dataDir, out, cid } = await stored()
  writeFileSync(join(out, 'old'), 'old')
  writeFileSync(join(out, 'old.part'), 'left by a killed download')
  expect(await run(['download', cid, '-o', join(out, 'old'), '--force', '-d', dataDir])).toMatchObject({ code: 0 })
  expect(readFileSync(join(out, 'old')).equals(BYTES)).toBe(true)
  expect(readdirSync(out)).toEqual(['old'])
  expect(await run(['download', cid, '-o', '/dev/null', '-d', dataDir])).toMatchObject({ code: 0 })
  expect(existsSync('/dev/null.part')).toBe(false)
})

test('a damaged block is refused by name and leaves no file', async () => {
  const { dataDir, out, cid } = await stored()
  const slab = join(dataDir, 'blocks.slab')
  const bytes = readFileSync(slab)
  bytes.writeUInt8((bytes[100_000] ?? 0) ^ 1, 100_000)
  writeFileSync(slab, bytes)
  const { code, stdout, stderr } = await run(['download', cid, '-o', join(out, 'x'), '-d', dataDir, '--json'])
  expect(code).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'store/block-corrupted' } })
  expect(stderr).toContain('store/block-corrupted')
  expect(readdirSync(out)).toEqual([])
})

test('no name from a manifest is a path', () => {
  expect(safeFilename('a/b\\c.txt')).toBe('c.txt')
  expect(safeFilename('..')).toBeUndefined()
  expect(safeFilename('.bashrc')).toBe('bashrc')
  expect(safeFilename('x\u0000y\u202Ez')).toBe('x_y_z')
  // Also where it was cut, it ends as Windows takes it.
  expect(safeFilename(`${'a'.repeat(198)}. b`)).toBe('a'.repeat(198))
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const safe = safeFilename(name)
      if (safe === undefined) return
      expect(safe).not.toMatch(/[/\\\p{Cc}\p{Cf}]/u)
      expect(safe.startsWith('.')).toBe(false)
      expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(200)
    }),
  )
})
