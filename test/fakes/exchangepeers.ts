// Nodes for tests of the exchange: a store over memory, an exchange over it, one wound clock for all, links over memory between them.

import { BlockExchange } from '../../src/exchange/blockexchange.ts'
import type { Link } from '../../src/exchange/link.ts'
import type { ManualClock } from '../../src/lib/manualclock.ts'
import { manifestCid } from '../../src/protocol/block.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { plainManifest } from '../../src/protocol/describeupload.ts'
import { encodeManifest } from '../../src/protocol/manifestcodec.ts'
import { merkleTree, treeCid } from '../../src/protocol/merkletree.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import type { RepoStoreSettings } from '../../src/storage/repostore.ts'
import { hashBlocks, verifyBlocks } from '../../src/storage/verifiedblock.ts'
import type { MemoryLinksOptions } from './memorylinks.ts'
import { memoryLinks } from './memorylinks.ts'
import type { TestStore } from './memorystore.ts'
import { seededBytes, seededRandom, testStore } from './memorystore.ts'
import { CrashingSlabFile } from './crashingslabfile.ts'

export interface TestPeer extends TestStore<CrashingSlabFile> {
  readonly id: string
  readonly exchange: BlockExchange
}

/** Smaller than the network's: nothing in the exchange asks for one size, and hashing in script is slow. */
export const TEST_BLOCK_BYTES = 1024

export function testPeer(id: string, clock: ManualClock, settings?: RepoStoreSettings): TestPeer {
  const store = testStore({ datastore: new MemoryDatastore(), slab: new CrashingSlabFile(), clock }, settings)
  const { repo } = store
  const exchange = new BlockExchange({ repo, clock, log: repo.parts.log, random: seededRandom(id.length + 1) })
  exchange.start()
  return { ...store, id, exchange }
}

/** Joins two by a pair of links; settles when both sessions are over. */
export function join(
  a: TestPeer,
  b: TestPeer,
  options?: MemoryLinksOptions,
): { readonly links: [Link, Link]; readonly over: Promise<unknown> } {
  const links = memoryLinks(a.id, b.id, options)
  return { links, over: Promise.all([a.exchange.attach(links[0]), b.exchange.attach(links[1])]) }
}

export interface TestDataset {
  readonly manifest: Cid
  readonly treeCid: Cid
  readonly leafCount: number
  readonly bytes: Uint8Array
}

/** Puts a dataset of so many blocks into the peer's store, with a manifest that names it. The same seed gives the same one. */
export function giveDataset(peer: Pick<TestPeer, 'repo'>, leafCount: number, seed: number): Promise<TestDataset> {
  return giveContent(peer, seededBytes(leafCount * TEST_BLOCK_BYTES, seed))
}

/** The same for these bytes, whole blocks of them; of the blocks, those that `which` names. */
export async function giveContent(
  { repo }: Pick<TestPeer, 'repo'>,
  bytes: Uint8Array,
  which: (index: number) => boolean = () => true,
): Promise<TestDataset> {
  const leafCount = bytes.length / TEST_BLOCK_BYTES
  const chunks = range(leafCount).map((i) => bytes.subarray(i * TEST_BLOCK_BYTES, (i + 1) * TEST_BLOCK_BYTES))
  const blocks = await hashBlocks(repo.parts.hasher, chunks)
  const tree = merkleTree(blocks.map(({ cid }) => cid.digest))
  const whole = treeCid(tree.root)
  const encoded = encodeManifest(plainManifest(whole, bytes.length))
  const manifest = manifestCid(encoded)
  const given = blocks.filter((_, index) => which(index))
  await repo.putMany([...given, ...(await verifyBlocks(repo.parts.hasher, [{ cid: manifest, bytes: encoded }]))])
  const leaves = blocks.map(({ cid }, index) => ({ index, blockCid: cid, path: tree.proof(index).path }))
  const givenLeaves = leaves.filter(({ index }) => which(index))
  await repo.putLeaves(whole, leafCount, givenLeaves)
  return { manifest, treeCid: whole, leafCount, bytes }
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}

/** Lets time pass, a second at a time, real input and output in between, until the result is called. */
export function runTime(clock: ManualClock): () => Promise<void> {
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      await clock.play(1)
      for (let turn = 0; turn < TURNS_PER_SECOND; turn++) await new Promise((resolve) => setTimeout(resolve, 0))
    }
  })()
  return async () => {
    isOver = true
    await running
  }
}

/** What is not only promises, such as work in slices, gets so many turns in a second of the clock. */
const TURNS_PER_SECOND = 4
