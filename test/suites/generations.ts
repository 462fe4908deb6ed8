// A load whose commits can be recognised after a crash, and the law that holds then. Used by processes and workers that are ended at random
// moments; it ends nothing itself.

import { expect } from 'vitest'

import { KiB } from '../../src/lib/units.ts'
import type { Datastore, Key } from '../../src/storage/datastore.ts'
import { indexKey, joinKey } from '../../src/storage/storagekey.ts'
import { GENERATION_WRITERS, generationOf, KEPT_GENERATIONS, logPrefix, rowKeys } from '../children/generationload.ts'

/** The newest generation that each writer was told of. */
export type Acknowledged = Map<number, number>

/** Every commit is there as a whole or not at all, none that was acknowledged is missing, and none from before it came back. */
export async function expectWholeGenerations(store: Datastore, acknowledged: Acknowledged): Promise<void> {
  const { signal } = new AbortController()
  for (let writer = 0; writer < GENERATION_WRITERS; writer++) {
    let { rows, newest } = await rowsOf(store, writer)
    expect(newest).toBeGreaterThanOrEqual(acknowledged.get(writer) ?? -1)
    const log: Key[] = []
    for (let looked = -1; looked !== newest;) {
      looked = newest
      log.length = 0
      for await (const [key] of store.entries(logPrefix(writer), { signal })) log.push(key)
      // A worker lives on for a moment after it was terminated, and what it had begun may end between two looks.
      ;({ rows, newest } = await rowsOf(store, writer))
    }
    const first = Math.max(0, newest + 1 - KEPT_GENERATIONS)
    const expected = Array.from({ length: newest + 1 - first }, (_, index) =>
      joinKey(logPrefix(writer), indexKey(first + index)),
    )
    expect(log).toEqual(expected)
    for (const row of rows) expect(row === undefined || row.length >= KiB).toBe(true)
  }
}

/** All of one generation. */
async function rowsOf(store: Datastore, writer: number): Promise<{ rows: (Uint8Array | undefined)[]; newest: number }> {
  const rows = await store.getMany(rowKeys(writer))
  const generations = new Set(rows.map((row) => (row === undefined ? -1 : generationOf(row))))
  expect(generations.size, `writer ${writer}: generations ${[...generations].join()} in one row`).toBe(1)
  const [newest = -1] = generations
  return { rows, newest }
}

export function acknowledge(acknowledged: Acknowledged, writer: number, generation: number): void {
  acknowledged.set(writer, Math.max(generation, acknowledged.get(writer) ?? -1))
}
