// A peer that speaks as the network's nodes do, on a real connection: what it does for reasons of its own is no offence, and its blocks arrive.

import { describe, expect, it } from 'vitest'

import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { MiB } from '../../src/lib/units.ts'
import { BLOCK_SIZE } from '../../src/protocol/block.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import { WireWriter } from '../../src/protocol/wire.ts'
import type { TestDataset } from '../fakes/exchangepeers.ts'
import { giveDataset, range, TEST_BLOCK_BYTES } from '../fakes/exchangepeers.ts'
import { memoryStore, NEVER, seededBytes, streamOf } from '../fakes/memorystore.ts'
import type { NetworkNode } from '../fakes/networknodes.ts'
import type { NimPeer, NimPeerOptions } from '../fakes/nimpeer.ts'
import { nimPeer } from '../fakes/nimpeer.ts'
import { endingsAfterEach } from './endings.ts'

const { ends, node } = endingsAfterEach()

async function nim(options?: NimPeerOptions): Promise<NimPeer & ReturnType<typeof memoryStore>> {
  const store = memoryStore()
  const made = await nimPeer(store, options)
  ends.push(async () => {
    await made.stop()
    await store.repo.close()
  })
  return { ...store, ...made }
}

async function fetchAll(to: NetworkNode, { treeCid, leafCount }: TestDataset, blockSize = BLOCK_SIZE): Promise<void> {
  const sink = storeLeaves(to.repo, treeCid, leafCount)
  const indices = range(leafCount)
  await fetchLeaves(to.exchange, { treeCid, leafCount, indices, sink, blockSize, signal: NEVER, stallSeconds: 30 })
  expect((await to.repo.getAt(treeCid, indices)).every((block) => block !== undefined)).toBe(true)
}

/** Of blocks of the network's size. */
async function giveBlocks({ datasets }: ReturnType<typeof memoryStore>, count: number): Promise<TestDataset> {
  const bytes = seededBytes(count * BLOCK_SIZE, count)
  const { cid, manifest } = await datasets.upload(streamOf(bytes), { signal: NEVER })
  return { manifest: cid, treeCid: manifest.treeCid, leafCount: count, bytes }
}

describe('of a node of the network', () => {
  it.each([MiB - 64, MiB])('blocks arrive in frames of %d bytes', async (cutBytes) => {
    const [peer, b] = [await nim({ cutBytes, blocks: 20 }), await node()]
    const dataset = await giveBlocks(peer, 64)
    await peer.connect(b)
    await fetchAll(b, dataset)
    expect(Math.max(...peer.frames)).toBe(cutBytes)
    expect(b.exchange.isBarred(peer.id)).toBe(false)
  })

  it('all that was asked of it arrives in one message', async () => {
    const [peer, b] = [await nim({ gatherMs: 200 }), await node()]
    const dataset = await giveDataset(peer, 800, 1)
    await peer.connect(b)
    await fetchAll(b, dataset, TEST_BLOCK_BYTES)
    expect(Math.max(...peer.deliveries)).toBeGreaterThan(128)
    expect(b.exchange.isBarred(peer.id)).toBe(false)
  })

  it('blocks of other networks may be wanted, among others', async () => {
    const [peer, b] = [await nim(), await node()]
    const mine = treeCid(new Uint8Array(32).fill(7))
    const digest = [0x12, 0x20, ...new Uint8Array(32).fill(1)]
    const foreign = [
      [0x01, 0x55, ...digest],
      [0x01, 0x70, ...digest],
      digest,
      // A hash that this network does not know, and is as long as it likes.
      [0x01, 0x55, 0x1b, 0x08, ...new Uint8Array(8)],
    ].map((cid) => new WireWriter().number(1, 0).bytes(4, Uint8Array.from(cid)))
    const known = new WireWriter().number(1, 1).bytes(2, mine.bytes).number(3, 5)
    const list = new WireWriter()
    for (const address of [...foreign, known]) {
      const entry = new WireWriter().message(1, address).number(2, 0).number(3, 0).number(4, 0).number(5, 0)
      list.message(1, entry)
    }
    await peer.connect(b)
    await peer.send(new WireWriter().message(1, list.number(2, 1)).finish())
    await expect.poll(() => b.exchange.peers()[0]?.wanted).toBe(1)
    expect(b.exchange.isBarred(peer.id)).toBe(false)
  })

  it('streams may be reset when they were idle, and what is wanted then arrives', async () => {
    const [peer, b] = [await nim(), await node()]
    const [one, two] = [await giveDataset(peer, 10, 1), await giveDataset(peer, 10, 2)]
    await peer.connect(b)
    await fetchAll(b, one, TEST_BLOCK_BYTES)
    peer.resetStreams()
    await fetchAll(b, two, TEST_BLOCK_BYTES)
    expect(b.exchange.isBarred(peer.id)).toBe(false)
    expect(b.network.connections()).toHaveLength(1)
  })

  it('no word of what it has not got keeps nobody waiting: what it gets later is asked for again', async () => {
    const [peer, b] = [await nim(), await node()]
    const dataset = await giveDataset(await nim(), 10, 3)
    await peer.connect(b)
    const fetching = fetchAll(b, dataset, TEST_BLOCK_BYTES)
    await expect.poll(() => peer.heard.length).toBeGreaterThan(0)
    await giveDataset(peer, 10, 3)
    await fetching
  })
})
