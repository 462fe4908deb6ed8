// The load of the crash tests: writers that commit numbered groups of records for ever. What must hold afterwards stands in
// test/suites/generations.ts.

import { KiB } from '../../src/lib/units.ts'
import type { Change, Datastore, Key } from '../../src/storage/datastore.ts'
import { indexKey, joinKey } from '../../src/storage/storagekey.ts'

/** Writers commit beside each other, so that their commits share writes. */
export const GENERATION_WRITERS = 4
const ROW_KEYS = 12
/** Older entries of a writer's log are dropped by the same commit that adds the newest. */
export const KEPT_GENERATIONS = 20
/** Every third commit is relaxed: it must survive the end of the process all the same. */
const RELAXED_EVERY = 3

export function rowKeys(writer: number): Key[] {
  return Array.from({ length: ROW_KEYS }, (_, index) => joinKey('row/', indexKey(writer), indexKey(index)))
}

export function logPrefix(writer: number): Key {
  return joinKey('log/', indexKey(writer))
}

/** The generation a record was written in. */
export function generationOf(row: Uint8Array): number {
  return Number(new DataView(row.buffer, row.byteOffset).getBigUint64(0))
}

/** Goes on from what the store holds, until a commit fails. `acknowledge` is called after each commit, before the writer's next one. */
export async function commitGenerations(
  store: Datastore,
  acknowledge: (writer: number, generation: number) => void,
): Promise<never> {
  const writers = Array.from({ length: GENERATION_WRITERS }, async (_, writer): Promise<never> => {
    const keys = rowKeys(writer)
    const newest = await store.get(keys[0] ?? logPrefix(writer))
    for (let generation = newest === undefined ? 0 : generationOf(newest) + 1; ; generation++) {
      await store.commit(changesOf(writer, generation, keys), {
        durability: generation % RELAXED_EVERY === 0 ? 'relaxed' : 'strict',
      })
      acknowledge(writer, generation)
    }
  })
  return await Promise.race(writers)
}

function changesOf(writer: number, generation: number, keys: readonly Key[]): Change[] {
  const log: Change[] = [{ put: joinKey(logPrefix(writer), indexKey(generation)), value: indexKey(generation) }]
  if (generation >= KEPT_GENERATIONS)
    log.push({ drop: joinKey(logPrefix(writer), indexKey(generation - KEPT_GENERATIONS)) })
  const rows = keys.map((put, index): Change => {
    const value = new Uint8Array((1 + ((generation + index) % 4)) * KiB).fill(generation)
    value.set(indexKey(generation))
    return { put, value }
  })
  // The log first and last things apart, so that a torn group would show.
  return [...rows.slice(0, 1), ...log, ...rows.slice(1)]
}
