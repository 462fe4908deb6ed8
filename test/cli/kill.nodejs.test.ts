// kill -9 at any moment: the store opens again, its books are right, and every dataset that was ever answered reads back whole.

import { createHash } from 'node:crypto'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { document, noise, run, scratchFolder, soundSpace, start } from './command.ts'

const MiB = 1024 * 1024
const LONG = (process.env['LONG'] ?? '') !== ''
const ROUNDS = LONG ? 100 : 6
/** Longer than an upload of {@link FILE_BYTES} takes, so that some rounds are killed in every phase and some come too late. */
const LATEST_KILL_MS = 600
const FILE_BYTES = 24 * MiB

/** What an interrupted verb left is put right with a line in the log, which is no error here. */
const QUIETLY = ['--log-level', 'warn']

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

test(`${ROUNDS} rounds`, async () => {
  const folder = scratchFolder()
  const dataDir = join(folder, 'data')
  const whole = new Map<string, string>()
  const upload = async (bytes: Uint8Array): Promise<string> => {
    writeFileSync(join(folder, 'file'), bytes)
    const { cid } = await document(['upload', join(folder, 'file'), '-d', dataDir, ...QUIETLY])
    whole.set(String(cid), digest(bytes))
    return String(cid)
  }
  await upload(noise(3 * MiB, 1))
  let killed = 0
  for (let round = 0; round < ROUNDS; round++) {
    // Half of it is in the store already: reference counts and shared blocks are at stake too.
    const bytes = Buffer.concat([noise(3 * MiB, 1), noise(FILE_BYTES, round + 2)])
    writeFileSync(join(folder, 'file'), bytes)
    const removes = round % 3 === 2
    const doomed = removes ? await upload(bytes) : ''
    const args = removes ? ['rm', doomed] : ['upload', join(folder, 'file')]
    const { child, ended } = start([...args, '-d', dataDir])
    const afterMs = 40 + ((round * 97) % LATEST_KILL_MS)
    const timer = setTimeout(() => child.kill('SIGKILL'), removes ? afterMs / 3 : afterMs)
    const { code, stdout } = await ended
    clearTimeout(timer)
    if (code === null) killed++
    if (removes) whole.delete(doomed)
    else if (code === 0) whole.set(stdout.trim(), digest(bytes))
    await soundSpace(dataDir)
    await expectWhole(round === ROUNDS - 1 || LONG)
    // Room for the next round.
    const [, ...extra] = whole.keys()
    for (const cid of extra) {
      await document(['rm', cid, '-d', dataDir, ...QUIETLY])
      whole.delete(cid)
    }
  }
  expect(killed).toBeGreaterThan(0)

  /** Everything that is listed reads back; everything that was answered is listed. */
  async function expectWhole(all: boolean): Promise<void> {
    const { content } = (await document(['ls', '-d', dataDir])) as { content: { cid: string }[] }
    const listed = content.map(({ cid }) => cid)
    for (const cid of whole.keys()) expect(listed).toContain(cid)
    for (const cid of all ? listed : listed.slice(0, 2)) {
      const path = join(folder, 'back')
      expect(await run(['download', cid, '-o', path, '-d', dataDir])).toMatchObject({ code: 0, stderr: '' })
      const expected = whole.get(cid)
      if (expected !== undefined) expect(digest(readFileSync(path))).toBe(expected)
      rmSync(path)
    }
  }
})
