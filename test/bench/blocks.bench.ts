// Blocks in and out of the store in Node, beside the store that Helia uses there.

import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { openNode } from '../../src/nodejs.ts'
import { blockFigures, measureNode, measurePeer } from './blockbatches.ts'
import type { Bench, Place, Sample } from './harness.ts'
import type * as LevelPeer from './peers/levelpeer.js'
import { quietParts } from './quietparts.ts'

export const bench: Bench = {
  name: 'blocks',
  title: '64 KiB blocks, Node',
  peerTitle: 'blockstore-level 4.0.1',
  rounds: 5,
  needsPeers: true,
  figures: blockFigures(1.5),
  sides: { ours, peer },
}

async function ours({ folder, quick }: Place): Promise<Sample> {
  const node = await openNode({ dataDir: join(folder, freshName()), ...quietParts() })
  const sample = await measureNode(node, quick)
  await node.stop()
  return sample
}

/** The bench opens the database itself, so that one write with `sync` behind each batch can flush the log they share. */
async function peer({ root, folder, quick }: Place): Promise<Sample> {
  const file = join(root, 'test/bench/peers/levelpeer.js')
  const packages = (await import(pathToFileURL(file).href)) as typeof LevelPeer
  const level = new packages.ClassicLevel(join(folder, freshName()), { keyEncoding: 'utf8', valueEncoding: 'view' })
  const store = new packages.LevelBlockstore(level)
  await store.open()
  const flush = (): Promise<void> => level.put('flushed', new Uint8Array(1), { sync: true })
  const sample = await measurePeer({ ...packages, store, flush }, quick)
  await store.close()
  return sample
}

function freshName(): string {
  return `store-${process.pid}`
}
