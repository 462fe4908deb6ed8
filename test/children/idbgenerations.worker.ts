// A worker that loads an IdbDatastore until it is terminated. Takes the database's name, posts `[writer, generation]` for each commit.

import { IdbDatastore } from '../../src/platform/browser/idbdatastore.ts'
import { commitGenerations } from './generationload.ts'

globalThis.onmessage = async ({ data }: MessageEvent<string>) => {
  const store = await IdbDatastore.open(data, { signal: new AbortController().signal })
  await commitGenerations(store, (writer, generation) => globalThis.postMessage([writer, generation]))
}
