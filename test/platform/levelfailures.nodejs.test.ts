// LevelDatastore when something is wrong with its folder or its disk.

import { execFile, spawn } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import type { ChainedBatch, ChainedBatchWriteOptions } from 'classic-level'
import { ClassicLevel } from 'classic-level'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import type { Level } from '../../src/platform/nodejs/leveldatastore.ts'
import { textKey } from '../../src/storage/storagekey.ts'
import { bundleChild } from '../children.ts'

const KEY = textKey('key')
const VALUE = Uint8Array.of(1, 2, 3)
const OTHER = Uint8Array.of(4)
/** Below what the engine's log grows to, and amid one of its blocks, so that the tear harms what follows. */
const FILE_LIMIT_BYTES = 3_000_000
const FULL = Object.assign(new Error('IO error: 000003.log: No space left on device'), { code: 'LEVEL_IO_ERROR' })

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codex-light-level-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('opening', () => {
  test('a folder that another store has open is locked, and free again once that is closed', async () => {
    const first = await LevelDatastore.open(folder)
    await expect(LevelDatastore.open(folder)).rejects.toMatchObject({ code: 'datastore/locked', detail: { folder } })
    await first.close()
    await (await LevelDatastore.open(folder)).close()
  })

  test('a folder whose files are spoilt is corrupted', async () => {
    const store = await LevelDatastore.open(folder)
    await store.commit([{ put: KEY, value: VALUE }])
    await store.close()
    const manifest = (await readdir(folder)).find((name) => name.startsWith('MANIFEST'))
    await writeFile(join(folder, manifest ?? 'CURRENT'), new Uint8Array(100).fill(0x5a))
    await expect(LevelDatastore.open(folder)).rejects.toMatchObject({ code: 'datastore/corrupted' })
  })

  test('a path that is a file is an error that names it', async () => {
    const path = join(folder, 'file')
    await writeFile(path, 'not a folder')
    await expect(LevelDatastore.open(path)).rejects.toMatchObject({
      code: 'datastore/failed',
      detail: { folder: path },
    })
  })

  test('a missing folder is made, with those above it', async () => {
    const store = await LevelDatastore.open(join(folder, 'a', 'b'))
    expect(await store.get(KEY)).toBeUndefined()
    await store.close()
  })
})

type Batch = ChainedBatch<Level, Uint8Array, Uint8Array>

/** An engine whose next writes fail with these errors, before anything is written; undefined lets one through. */
function failingLevels() {
  const failures: (Error | undefined)[] = []
  let opened = 0
  const openLevel = async (path: string): Promise<Level> => {
    opened++
    const level: Level = new ClassicLevel(path, { keyEncoding: 'view', valueEncoding: 'view' })
    await level.open()
    const begin = level.batch.bind(level) as () => Batch
    const value = () => {
      const batch = begin()
      const write = batch.write.bind(batch)
      batch.write = async (options: ChainedBatchWriteOptions = {}) => {
        const failure = failures.shift()
        if (failure === undefined) return write(options)
        await batch.close()
        throw failure
      }
      return batch
    }
    Object.defineProperty(level, 'batch', { value })
    return level
  }
  return { openLevel, failures, opened: () => opened }
}

describe('an engine that fails to write', () => {
  test('refuses the commit with one typed error, writes nothing of it, and works again by itself', async () => {
    const { openLevel, failures, opened } = failingLevels()
    const store = await LevelDatastore.open(folder, { openLevel })
    await store.commit([{ put: KEY, value: VALUE }])
    failures.push(FULL)
    const changes = [{ put: textKey('a'), value: OTHER }, { drop: KEY }]
    await expect(store.commit(changes)).rejects.toMatchObject({ code: 'datastore/full', cause: FULL })
    expect(await store.getMany([textKey('a'), KEY])).toStrictEqual([undefined, VALUE])
    expect(opened()).toBe(1)
    await store.commit([{ put: textKey('b'), value: OTHER }])
    expect(opened()).toBe(2)
    expect(await store.getMany([textKey('a'), textKey('b'), KEY])).toStrictEqual([undefined, OTHER, VALUE])
    await store.close()
    const again = await LevelDatastore.open(folder)
    expect(await again.getMany([textKey('a'), textKey('b'), KEY])).toStrictEqual([undefined, OTHER, VALUE])
    await again.close()
  })

  test('does not bring back, when opened anew, a write that was reported as failed', async () => {
    const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
    await level.open()
    await level.put(KEY, VALUE)
    // The state before is read from an engine that has not taken the write; this one stands for the log that has.
    let hide = true
    const openLevel = async (): Promise<Level> => {
      if (!hide) return level
      hide = false
      const front = Object.create(level) as Level
      const begin = level.batch.bind(level) as () => Batch
      const batch = () => {
        const made = begin()
        const write = made.write.bind(made)
        made.write = async (options: ChainedBatchWriteOptions = {}) => {
          const before = await level.get(KEY)
          Object.defineProperty(front, 'getMany', { value: async () => [before, undefined] })
          await write(options)
          throw FULL
        }
        return made
      }
      Object.defineProperty(front, 'batch', { value: batch })
      Object.defineProperty(front, 'close', { value: async () => {} })
      return front
    }
    const store = await LevelDatastore.open(folder, { openLevel })
    await expect(
      store.commit([
        { put: KEY, value: OTHER },
        { put: textKey('a'), value: OTHER },
      ]),
    ).rejects.toMatchObject({ code: 'datastore/full' })
    await store.commit([{ put: textKey('b'), value: OTHER }])
    expect(await store.getMany([KEY, textKey('a'), textKey('b')])).toStrictEqual([VALUE, undefined, OTHER])
    await store.close()
  })

  test('is put right by closing too, since the next opening replays its log', async () => {
    const { openLevel, failures, opened } = failingLevels()
    const store = await LevelDatastore.open(folder, { openLevel })
    await store.commit([{ put: KEY, value: VALUE }])
    failures.push(FULL)
    await expect(store.commit([{ put: KEY, value: OTHER }])).rejects.toMatchObject({ code: 'datastore/full' })
    await store.close()
    expect(opened()).toBe(2)
    const again = await LevelDatastore.open(folder)
    expect(await again.get(KEY)).toStrictEqual(VALUE)
    await again.close()
  })

  test('shows nobody the failed write when putting back what was before it fails too', async () => {
    const level = new ClassicLevel<Uint8Array, Uint8Array>(folder, { keyEncoding: 'view', valueEncoding: 'view' })
    await level.open()
    await level.put(KEY, VALUE)
    let opened = 0
    const openLevel = async (): Promise<Level> => {
      const turn = ++opened
      if (turn === 3) return level
      const front = Object.create(level) as Level
      const begin = level.batch.bind(level) as () => Batch
      const batch = () => {
        const made = begin()
        const write = made.write.bind(made)
        made.write = async (options: ChainedBatchWriteOptions = {}) => {
          // The first write reaches the log and not the engine; the second is the one that puts things back.
          if (turn === 1) {
            Object.defineProperty(front, 'getMany', { value: async () => [VALUE] })
            await write(options)
          } else await made.close()
          throw FULL
        }
        return made
      }
      Object.defineProperty(front, 'batch', { value: batch })
      Object.defineProperty(front, 'close', { value: async () => {} })
      return front
    }
    const store = await LevelDatastore.open(folder, { openLevel })
    const full = { code: 'datastore/full' }
    await expect(store.commit([{ put: KEY, value: OTHER }])).rejects.toMatchObject(full)
    await expect(store.commit([{ put: textKey('a'), value: OTHER }])).rejects.toMatchObject(full)
    expect(opened).toBe(2)
    expect(Uint8Array.from((await level.get(KEY)) ?? [])).toEqual(OTHER)
    expect(await store.getMany([KEY, textKey('a')])).toStrictEqual([VALUE, undefined])
    expect(opened).toBe(3)
    await store.commit([{ put: textKey('b'), value: OTHER }])
    expect(await store.getMany([KEY, textKey('b')])).toStrictEqual([VALUE, OTHER])
    expect(opened).toBe(3)
    await store.close()
  })

  test('takes no commit any more when the state before the failed one cannot be read, until it is opened again', async () => {
    const { openLevel, failures, opened } = failingLevels()
    const levels: Level[] = []
    const watched = async (path: string): Promise<Level> => {
      const level = await openLevel(path)
      levels.push(level)
      return level
    }
    const store = await LevelDatastore.open(folder, { openLevel: watched })
    await store.commit([{ put: KEY, value: VALUE }])
    failures.push(FULL)
    const unreadable = new Error('IO error: Input/output error')
    const [level] = levels as [Level]
    const getMany = level.getMany.bind(level)
    Object.defineProperty(level, 'getMany', { value: () => Promise.reject(unreadable), configurable: true })
    const unfit = { code: 'datastore/failed', message: expect.stringContaining('restart'), cause: unreadable }
    await expect(store.commit([{ put: KEY, value: OTHER }])).rejects.toMatchObject(unfit)
    Object.defineProperty(level, 'getMany', { value: getMany })
    for (let i = 0; i < 2; i++)
      await expect(store.commit([{ put: textKey('a'), value: OTHER }, { drop: KEY }])).rejects.toMatchObject(unfit)
    expect(opened()).toBe(1)
    expect(await store.getMany([KEY, textKey('a')])).toStrictEqual([VALUE, undefined])
    await store.close()
    const again = await LevelDatastore.open(folder)
    await again.commit([{ put: textKey('a'), value: OTHER }])
    expect(await again.getMany([KEY, textKey('a')])).toStrictEqual([VALUE, OTHER])
    await again.close()
  })

  test('asks for room when a removal finds none, once, and never for a commit that only puts', async () => {
    const { openLevel, failures } = failingLevels()
    let asked = 0
    let answer = true
    const freeRoom = async (): Promise<boolean> => {
      asked++
      return answer
    }
    const store = await LevelDatastore.open(folder, { openLevel, freeRoom })
    const full = { code: 'datastore/full' }
    await store.commit([{ put: KEY, value: VALUE }])
    failures.push(FULL)
    await expect(store.commit([{ put: KEY, value: OTHER }])).rejects.toMatchObject(full)
    expect(asked).toBe(0)
    // Putting back comes first, and goes through.
    failures.push(undefined, FULL)
    await store.commit([{ put: textKey('a'), value: OTHER }, { drop: KEY }])
    expect(asked).toBe(1)
    expect(await store.getMany([KEY, textKey('a')])).toStrictEqual([undefined, OTHER])
    failures.push(FULL, undefined, FULL)
    await expect(store.commit([{ drop: textKey('a') }])).rejects.toMatchObject(full)
    expect(asked).toBe(2)
    answer = false
    failures.push(undefined, FULL)
    await expect(store.commit([{ drop: textKey('a') }])).rejects.toMatchObject(full)
    expect(asked).toBe(3)
    expect(await store.get(textKey('a'))).toStrictEqual(OTHER)
    await store.commit([{ drop: textKey('a') }])
    expect(asked).toBe(3)
    await store.close()
  })

  test('does not let a small commit fail because it travelled with one that found no room', async () => {
    const { openLevel, failures } = failingLevels()
    const store = await LevelDatastore.open(folder, { openLevel })
    // The first goes alone; the second and third wait and travel together, fail, and then go one by one.
    failures.push(undefined, FULL, FULL)
    const commits = ['a', 'b', 'c'].map((name) => store.commit([{ put: textKey(name), value: VALUE }]))
    const settled = await Promise.allSettled(commits)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await store.getMany(['a', 'b', 'c'].map(textKey))).toStrictEqual([VALUE, undefined, VALUE])
    await store.close()
  })

  test('says what it is when it is not a full disk', async () => {
    const { openLevel, failures } = failingLevels()
    const store = await LevelDatastore.open(folder, { openLevel })
    failures.push(Object.assign(new Error('IO error: Input/output error'), { code: 'LEVEL_IO_ERROR' }))
    await expect(store.commit([{ put: KEY, value: VALUE }])).rejects.toMatchObject({ code: 'datastore/failed' })
    await store.close()
  })
})

// A limit on the size of files stands for the full disk: it fails the same calls at the same places and needs no rights.
test.runIf(process.platform === 'linux')(
  'a disk that is full keeps what was committed, can be read, and takes commits when there is room',
  async () => {
    const script = fileURLToPath(await bundleChild('fulldisk'))
    const command = [`--fsize=${FILE_LIMIT_BYTES}:unlimited`, process.execPath, script, folder]
    const child = spawn('prlimit', command, { stdio: ['pipe', 'pipe', 'inherit'] })
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line)
      if (line !== 'full') continue
      await promisify(execFile)('prlimit', ['--pid', String(child.pid), '--fsize=unlimited'])
      child.stdin.write('room\n')
    }
    const found = JSON.parse(lines.at(-1) ?? '{}') as { groups: number }
    const { groups } = found
    expect(groups).toBeGreaterThan(10)
    expect(found).toEqual({
      groups,
      whileFull: { failure: 'datastore/full', again: 'datastore/full', whole: groups - 1, strays: 0 },
      withRoom: { commit: 'done', whole: groups, strays: 0 },
      reopened: { whole: groups, strays: 0, late: 5 },
    })
  },
)
