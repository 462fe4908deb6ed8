// The page of blocks.browser.bench.ts.

import { openNode } from '../../src/browser.ts'
import { measureNode, measurePeer } from './blockbatches.ts'
import type { PageSides } from './inchromium.ts'
import * as packages from './peers/idbpeer.js'
import { NEVER, quietParts } from './quietparts.ts'

const sides: PageSides = {
  async ours(quick) {
    const node = await openNode({ name: 'bench', signal: NEVER, ...quietParts() })
    const sample = await measureNode(node, quick)
    await node.stop()
    return sample
  },

  async peer(quick) {
    const name = 'bench'
    const store = new packages.IDBBlockstore(name)
    await store.open()
    const sample = await measurePeer({ ...packages, store, flush: () => flush(store.db, name) }, quick)
    await store.close()
    return sample
  },
}

/** One strictly durable transaction takes the relaxed ones before it along. */
function flush(db: IDBDatabase, objectStore: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(objectStore, 'readwrite', { durability: 'strict' })
    transaction.objectStore(objectStore).put(new Uint8Array(1), 'flushed')
    transaction.oncomplete = () => resolve()
    transaction.onabort = () => reject(transaction.error ?? new Error('the flush was aborted'))
  })
}

// As `PAGE_SIDES` of inchromium.ts, which cannot be imported here: it belongs to Node.
Object.assign(globalThis, { codexLightBenchSides: sides })
