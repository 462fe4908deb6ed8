// A process that fills a LevelDatastore up to the file size it may write: `node fulldisk FOLDER`. Says `full` when a commit failed for want of
// room, goes on when a line arrives on stdin (there is room again), then prints what it found as JSON.

import { once } from 'node:events'
import { writeSync } from 'node:fs'

import { CodexError } from '../../src/lib/errors.ts'
import { KiB } from '../../src/lib/units.ts'
import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import type { Change, Datastore, Key } from '../../src/storage/datastore.ts'
import { indexKey, joinKey } from '../../src/storage/storagekey.ts'

/** Far above what the parent lets this process write. */
const MOST_GROUPS = 1000
const GROUP_KEYS = 8
const LATE_KEYS = 5
const VALUE_BYTES = 16 * KiB

const groupKeys = (group: number): Key[] =>
  Array.from({ length: GROUP_KEYS }, (_, index) => joinKey('group/', indexKey(group), indexKey(index)))

/** Noise, because the engine compresses. */
function changesOf(group: number): Change[] {
  return groupKeys(group).map((put) => {
    const value = crypto.getRandomValues(new Uint8Array(VALUE_BYTES))
    value.set(indexKey(group))
    return { put, value }
  })
}

/** How many of the first groups are whole, and whether anything of the next one is there. */
async function whole(store: Datastore, groups: number): Promise<{ whole: number; strays: number }> {
  let found = 0
  for (let group = 0; group < groups; group++)
    if ((await store.getMany(groupKeys(group))).every((value) => value?.length === VALUE_BYTES)) found++
  const next = await store.getMany(groupKeys(groups))
  return { whole: found, strays: next.filter((value) => value !== undefined).length }
}

async function codeOf(promise: Promise<void>): Promise<string> {
  try {
    await promise
    return 'done'
  } catch (error) {
    return CodexError.is(error) ? error.code : String(error)
  }
}

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('expected a folder')
let store = await LevelDatastore.open(folder)
let groups = 0
let failure = 'done'
while (groups < MOST_GROUPS && (failure = await codeOf(store.commit(changesOf(groups)))) === 'done') groups++
const whileFull = { failure, again: await codeOf(store.commit(changesOf(groups))), ...(await whole(store, groups)) }
writeSync(1, 'full\n')
await once(process.stdin, 'data')
// Small ones first: behind a torn place of the log these are what recovery would drop.
const late = Array.from({ length: LATE_KEYS }, (_, index) => joinKey('late/', indexKey(index)))
for (const put of late) await store.commit([{ put, value: put }])
const afterwards = await codeOf(store.commit(changesOf(groups)))
groups++
const withRoom = { commit: afterwards, ...(await whole(store, groups)) }
await store.close()
store = await LevelDatastore.open(folder)
const lateFound = (await store.getMany(late)).filter((value) => value !== undefined).length
const reopened = { ...(await whole(store, groups)), late: lateFound }
await store.close()
writeSync(1, `${JSON.stringify({ groups, whileFull, withRoom, reopened })}\n`)
process.stdin.destroy()
