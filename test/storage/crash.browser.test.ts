// IdbDatastore in a worker that is terminated: what was acknowledged is there, what was not is there as a whole or not at all.

import { expect, test } from 'vitest'

import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { acknowledge, expectWholeGenerations } from '../suites/generations.ts'
import type { Acknowledged } from '../suites/generations.ts'
import { deleteDatabase, freshName } from '../suites/idbdatastore.ts'

const ROUNDS = import.meta.env['LONG'] ? 200 : 6
/** A round is ended after this many acknowledgements at most, and this long after them at most. */
const MOST_ACKNOWLEDGED = 60
const LONGEST_PAUSE_MS = 10

test(`no commit is torn or lost when the worker is terminated, ${ROUNDS} times over`, async () => {
  const name = freshName()
  const acknowledged: Acknowledged = new Map()
  for (let round = 0; round < ROUNDS; round++) {
    await loadAndTerminate(name, acknowledged)
    const store = await IdbDatastore.open(name, { signal: new AbortController().signal })
    await expectWholeGenerations(store, acknowledged)
    await store.close()
  }
  expect([...acknowledged.values()].every((generation) => generation > 0)).toBe(true)
  await deleteDatabase(name)
})

async function loadAndTerminate(name: string, acknowledged: Acknowledged): Promise<void> {
  const worker = new Worker(new URL('../children/idbgenerations.worker.ts', import.meta.url), { type: 'module' })
  let left = 1 + Math.floor(Math.random() * MOST_ACKNOWLEDGED)
  await new Promise<void>((resolve, reject) => {
    worker.onerror = (event) => reject(new Error(event.message))
    worker.onmessage = ({ data: [writer, generation] }: MessageEvent<[number, number]>) => {
      acknowledge(acknowledged, writer, generation)
      if (--left === 0) setTimeout(resolve, Math.random() * LONGEST_PAUSE_MS)
    }
    worker.postMessage(name)
  })
  worker.terminate()
}
