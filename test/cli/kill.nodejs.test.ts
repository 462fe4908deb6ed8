// kill -9 at any moment: the store opens again, its books are right, and every dataset that was ever answered reads back whole.

import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { describeUpload } from '../../src/protocol/describeupload.ts'
import type { Ended, Running } from './command.ts'
import { document, holderOf, noise, run, scratchFolder, soundSpace, start } from './command.ts'

const MiB = 1024 * 1024
const LONG = (import.meta.env['LONG'] ?? '') !== ''
/** Kills that must have struck in each phase. */
const KILLS = LONG ? 25 : 1
/** A process may be done before it is struck: then the round is repeated, so many times in all. */
const MOST_ROUNDS = 10 * KILLS
const KEPT = noise(3 * MiB, 1)
/** Several groups of blocks, so that one is written while another is read, and the last one shorter than the others. */
const FRESH_BYTES = 20 * MiB
/** To the slab; some systems show what a file has grown by only group by group, and the last one is too late. */
const LATEST_KILL_BYTES = 12 * MiB

/** What an interrupted verb left is put right with a line in the log, which is no error here. */
const QUIETLY = ['--log-level', 'warn']
/** Removing what is not there does nothing but put right what is left of a crash. */
const ABSENT = String(describeUpload(noise(10, 0), {}).manifestCid)

const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Evenly spread over the whole numbers below `end`, the same in every run. */
function seeded(seed: number): (end: number) => number {
  let state = seed
  return (end) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * end)
  }
}

/** Kills it as soon as `isTime`, asked over and over, says so: what the process has done tells when, not how long it took. */
async function killWhen({ child, ended }: Running, isTime: () => boolean): Promise<Ended> {
  let isOver = false
  child.once('exit', () => (isOver = true))
  while (!isOver && !isTime()) await setImmediate()
  child.kill('SIGKILL')
  return await ended
}

/** A data folder that holds one dataset and is struck again and again. */
class Struck {
  readonly folder = scratchFolder()
  readonly dataDir = join(this.folder, 'data')
  /** What must be there, and what may be, by CID; its digest. */
  readonly answered = new Map<string, string>()
  readonly possible = new Map<string, string>()
  #keptSlabBytes = 0
  #keptSpace: unknown

  async setUp(): Promise<void> {
    await this.upload(KEPT)
    this.#keptSlabBytes = this.slabBytes()
    this.#keptSpace = await soundSpace(this.dataDir)
  }

  get keptSlabBytes(): number {
    return this.#keptSlabBytes
  }

  slabBytes(): number {
    return statSync(join(this.dataDir, 'blocks.slab')).size
  }

  /** What the index has logged; less than before when it has begun a new log. */
  logBytes(): number {
    const folder = join(this.dataDir, 'index')
    const sizes = readdirSync(folder)
      .filter((name) => name.endsWith('.log'))
      .map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  begin(bytes: Uint8Array): Running {
    writeFileSync(join(this.folder, 'file'), bytes)
    this.possible.set(String(describeUpload(bytes, { filename: 'file' }).manifestCid), digest(bytes))
    return start(['upload', join(this.folder, 'file'), '-d', this.dataDir])
  }

  async upload(bytes: Uint8Array): Promise<string> {
    writeFileSync(join(this.folder, 'file'), bytes)
    const { cid } = await document(['upload', join(this.folder, 'file'), '-d', this.dataDir, ...QUIETLY])
    this.answered.set(String(cid), digest(bytes))
    return String(cid)
  }

  /** Counts, each time it is asked, how often the index has been seen to change since `running` has it open. */
  commitsOf({ child }: Running): () => number {
    let logged: number | undefined
    let commits = 0
    return () => {
      if (logged === undefined && holderOf(this.dataDir) !== String(child.pid)) return 0
      const now = this.logBytes()
      if (logged !== undefined && now !== logged) commits++
      logged = now
      return commits
    }
  }

  /** The books are right, everything that was answered is listed, and everything that is listed reads back. */
  async expectSound(): Promise<void> {
    await soundSpace(this.dataDir)
    const { content } = (await document(['ls', '-d', this.dataDir])) as { content: { cid: string }[] }
    const listed = content.map(({ cid }) => cid)
    expect(listed).toEqual(expect.arrayContaining([...this.answered.keys()]))
    for (const cid of listed) {
      const path = join(this.folder, 'back')
      expect(await run(['download', cid, '-o', path, '-d', this.dataDir])).toMatchObject({ code: 0, stderr: '' })
      expect(digest(readFileSync(path))).toBe(this.answered.get(cid) ?? this.possible.get(cid))
      rmSync(path)
    }
  }

  /** All that came after the first dataset goes, whole or not, and nothing of it is left. */
  async tidyUp(): Promise<void> {
    const [, ...others] = this.answered.keys()
    await this.#remove(ABSENT, ...others, ...this.possible.keys())
    this.possible.clear()
    expect(await soundSpace(this.dataDir)).toEqual(this.#keptSpace)
    expect(this.slabBytes()).toBe(this.#keptSlabBytes)
  }

  async #remove(...cids: readonly string[]): Promise<void> {
    await document(['rm', ...cids, '-d', this.dataDir, ...QUIETLY])
    for (const cid of cids) this.answered.delete(cid)
  }
}

/** A round: what to run, when to strike. Answers whether the process was struck in the phase that the round is about. */
type Round = (struck: Struck, random: (end: number) => number, bytes: Uint8Array) => Promise<boolean>

const phases: Record<string, Round> = {
  'while an upload writes bytes': async (struck, random, bytes) => {
    const from = struck.keptSlabBytes
    const target = from + 1 + random(LATEST_KILL_BYTES)
    const { code } = await killWhen(struck.begin(bytes), () => struck.slabBytes() >= target)
    const size = struck.slabBytes()
    return code === null && size > from && size < from + FRESH_BYTES
  },

  'after the last byte of an upload': async (struck, random, bytes) => {
    const end = struck.keptSlabBytes + FRESH_BYTES
    const running = struck.begin(bytes)
    const commits = struck.commitsOf(running)
    const wanted = 1 + random(3)
    let earlier: number | undefined
    const { code, stdout } = await killWhen(running, () => {
      const now = commits()
      if (struck.slabBytes() >= end) earlier ??= now
      return earlier !== undefined && now >= earlier + wanted
    })
    if (code === 0) struck.answered.set(stdout.trim(), digest(bytes))
    return code === null && stdout === '' && struck.slabBytes() === end
  },

  'while a removal is under way': async (struck, random, bytes) => {
    const cid = await struck.upload(bytes)
    // From here on it may be gone.
    struck.answered.delete(cid)
    struck.possible.set(cid, digest(bytes))
    const { code, stdout } = await struckInCommit(struck, ['rm', cid], 1 + random(4))
    if (code === 0) struck.possible.delete(cid)
    return code === null && stdout === ''
  },

  'while the next start cleans up': async (struck, random, bytes) => {
    const half = struck.keptSlabBytes + FRESH_BYTES / 2
    await killWhen(struck.begin(bytes), () => struck.slabBytes() > half)
    const { code, stdout } = await struckInCommit(struck, ['rm', ABSENT], 1 + random(2))
    return code === null && stdout === ''
  },
}

/** Ended by a signal only when that many commits of its own were seen. */
async function struckInCommit(struck: Struck, args: readonly string[], wanted: number): Promise<Ended> {
  const running = start([...args, '-d', struck.dataDir])
  const commits = struck.commitsOf(running)
  return await killWhen(running, () => commits() >= wanted)
}

test.each(Object.entries(phases))(`killed %s, ${KILLS} times`, async (phase, strike) => {
  const struck = new Struck()
  await struck.setUp()
  const random = seeded(phase.length)
  let kills = 0
  for (let round = 0; kills < KILLS; round++) {
    expect(round, 'rounds in which the process was done before it was struck').toBeLessThan(MOST_ROUNDS)
    // A part of it is in the store already: reference counts and shared blocks are at stake too.
    const bytes = Buffer.concat([KEPT, noise(FRESH_BYTES, round + 2)])
    if (await strike(struck, random, bytes)) kills++
    await struck.expectSound()
    await struck.tidyUp()
  }
})
