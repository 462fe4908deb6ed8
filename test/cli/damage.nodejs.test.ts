// A data folder with damaged records: every verb that meets one says so and what to do, and space --repair does it.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { QUOTA_KEY } from '../../src/storage/quota.ts'
import { blockKey } from '../../src/storage/storeparts.ts'
import { document, failure, noise, run, scratchFolder, soundSpace } from './command.ts'

const ADVICE = 'run `codex-light space --repair`'

interface Folder {
  readonly dataDir: string
  readonly path: string
  readonly cid: string
}

async function stored(): Promise<Folder> {
  const folder = scratchFolder()
  const dataDir = join(folder, 'data')
  const path = join(folder, 'file.bin')
  writeFileSync(path, noise(100_000, 1))
  const { cid } = await document(['upload', path, '-d', dataDir])
  return { dataDir, path, cid: String(cid) }
}

async function flipBit(dataDir: string, key: Uint8Array): Promise<void> {
  const index = await LevelDatastore.open(join(dataDir, 'index'))
  try {
    const value = ((await index.get(key)) as Uint8Array).slice()
    value[10] = (value[10] as number) ^ 1
    await index.commit([{ put: key, value }])
  } finally {
    await index.close()
  }
}

/** What a run with `--json` answers although it fails. */
async function failing(args: readonly string[]): Promise<{ stderr: string; found: Record<string, unknown> }> {
  const { code, stdout, stderr } = await run([...args, '--json'])
  expect(code).toBe(1)
  return { stderr, found: JSON.parse(stdout) as Record<string, unknown> }
}

test('a damaged manifest is listed, repaired away, and whole again when uploaded', async () => {
  const { dataDir, path, cid } = await stored()
  await flipBit(dataDir, blockKey(parseCid(cid)))

  const { found, stderr } = await failing(['ls', '-d', dataDir])
  expect(found).toEqual({ content: [], damaged: [cid] })
  expect(stderr).toContain(ADVICE)
  expect(stderr).toContain('(store/corrupted-record)')
  const text = await run(['ls', '-d', dataDir])
  expect([text.code, text.stdout]).toEqual([1, expect.stringMatching(new RegExp(`^${cid} .* damaged `, 'm'))])

  const { error } = await failure(['download', cid, '-d', dataDir])
  expect([error.code, error.message]).toEqual(['store/corrupted-record', expect.stringContaining(ADVICE)])

  const check = await run(['space', '--check', '-d', dataDir])
  expect([check.code, check.stdout]).toEqual([1, expect.stringMatching(/the books are wrong:[^]+space --repair/)])

  const repaired = await document(['space', '--repair', '-d', dataDir])
  expect(repaired).toMatchObject({
    problems: [],
    totalBlocks: 2,
    repaired: { lostBlocks: 1, lostLeafPages: 0, mendedCounts: 0, incomplete: [cid] },
  })
  expect((repaired['repaired'] as { problems: string[] }).problems.length).toBeGreaterThan(0)
  expect((await failing(['ls', '-d', dataDir])).found).toEqual({ content: [], damaged: [cid] })

  await document(['upload', path, '-d', dataDir])
  expect((await document(['ls', '-d', dataDir]))['damaged']).toBeUndefined()
  expect(await soundSpace(dataDir)).toMatchObject({ totalBlocks: 3 })
})

test('what a repair leaves of a dataset can be removed', async () => {
  const { dataDir, cid } = await stored()
  await flipBit(dataDir, blockKey(parseCid(cid)))
  await document(['space', '--repair', '-d', dataDir])
  expect(await document(['rm', cid, '-d', dataDir])).toEqual({ cids: [{ cid, outcome: 'removed' }] })
  expect(await document(['ls', '-d', dataDir])).toEqual({ content: [] })
  expect(await soundSpace(dataDir)).toMatchObject({ totalBlocks: 0, quotaUsedBytes: 0 })
})

test('damaged counters are counted anew', async () => {
  const { dataDir, cid } = await stored()
  const sound = await soundSpace(dataDir)
  await flipBit(dataDir, QUOTA_KEY)
  const { error } = await failure(['space', '-d', dataDir])
  expect([error.code, error.message]).toEqual(['store/corrupted-record', expect.stringContaining(ADVICE)])
  const text = await run(['space', '--repair', '-d', dataDir])
  expect([text.code, text.stderr]).toEqual([0, ''])
  expect(text.stdout).toMatch(/the books were wrong:[^]+repaired: 0 blocks and 0 pages[^]+the books are right\n$/)
  expect(text.stdout).not.toContain(cid)
  expect(await soundSpace(dataDir)).toEqual(sound)
  expect((await run(['space', '--repair', '-d', dataDir])).stdout).toContain('there was nothing to repair')
})

test('a log line about a damaged record says what to do', async () => {
  const { dataDir, cid } = await stored()
  await flipBit(dataDir, blockKey(parseCid(cid)))
  // A start looks for expired blocks, and meets the record.
  const { stderr } = await run(['upload', '-', '-d', dataDir], { input: noise(8_000_000, 7) })
  expect(stderr).toContain(ADVICE)
})
