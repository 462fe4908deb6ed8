// A relay between peers that cannot reach each other: memory links, a wound clock, in Node and in a tab.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { BlockExchange } from '../../src/exchange/blockexchange.ts'
import { fetchBlock } from '../../src/exchange/fetchblock.ts'
import { fetchDataset } from '../../src/exchange/fetchdataset.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import {
  GIVE_UP_SECONDS,
  MAX_WAITING_BY_PEER,
  Relay,
  RELAYED_AT_ONCE,
  SHORT_SECONDS,
} from '../../src/exchange/relay.ts'
import type { ShortageWatch } from '../../src/exchange/responder.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import type { Consumer } from '../../src/exchange/want.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { KiB } from '../../src/lib/units.ts'
import { blockCid, manifestCid } from '../../src/protocol/block.ts'
import { plainManifest } from '../../src/protocol/describeupload.ts'
import { encodeManifest } from '../../src/protocol/manifestcodec.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import { claimLeaves } from '../../src/storage/relayedtrees.ts'
import type { RepoStoreSettings } from '../../src/storage/repostore.ts'
import { comparedBlock, verifyBlocks } from '../../src/storage/verifiedblock.ts'
import type { TestDataset, TestPeer } from '../fakes/exchangepeers.ts'
import { TEST_BLOCK_BYTES, giveDataset, join, range, testPeer } from '../fakes/exchangepeers.ts'
import { NEVER } from '../fakes/memorystore.ts'

let clock: ManualClock
let peers: TestPeer[]
let relays: Relay[]
let stopTime: () => Promise<void>

beforeEach(() => {
  clock = new ManualClock(1_700_000_000)
  peers = []
  relays = []
  stopTime = runSlowly(clock)
})

afterEach(async () => {
  for (const relay of relays) await relay.stop()
  for (const { exchange } of peers) await exchange.stop()
  await stopTime()
})

/** What a block takes of the cache, of trees of as many leaves as here. */
const CACHED_BYTES = TEST_BLOCK_BYTES + 9 * 32 + 5 * KiB

/** A second in so many milliseconds: slow enough that no peer seems slow. */
const SECOND_MS = 25

function runSlowly(clock: ManualClock): () => Promise<void> {
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      await clock.play(1)
      await new Promise((resolve) => setTimeout(resolve, SECOND_MS))
    }
  })()
  return async () => {
    isOver = true
    await running
  }
}

function peer(id: string, settings?: RepoStoreSettings): TestPeer {
  const made = testPeer(id, clock, settings)
  peers.push(made)
  return made
}

/** A bridge between a source and tabs: it works for those whose ids begin with `tab`. */
function bridged(
  cacheBytes?: number,
  settings?: RepoStoreSettings,
): {
  source: TestPeer
  bridge: TestPeer
  relay: Relay
  tab: (id: string) => TestPeer
} {
  const source = peer('source')
  const bridge = peer('bridge', settings)
  join(bridge, source)
  const { exchange, repo } = bridge
  const serves = (peerId: string): boolean => peerId.startsWith('tab')
  const relay = new Relay({ exchange, repo, serves, clock, log: repo.parts.log }, { cacheBytes })
  relay.start()
  relays.push(relay)
  const tab = (id: string): TestPeer => {
    const made = peer(id)
    join(bridge, made)
    return made
  }
  return { source, bridge, relay, tab }
}

async function fetch({ exchange, repo }: TestPeer, { treeCid, leafCount }: TestDataset): Promise<void> {
  const sink = storeLeaves(repo, treeCid, leafCount)
  const indices = range(leafCount)
  await fetchLeaves(exchange, { treeCid, leafCount, indices, sink, blockSize: TEST_BLOCK_BYTES, signal: NEVER })
}

async function expectWhole({ repo }: TestPeer, { treeCid, leafCount, bytes }: TestDataset): Promise<void> {
  const blocks = await repo.getAt(treeCid, range(leafCount))
  for (const [i, block] of blocks.entries())
    expect(block).toEqual(bytes.subarray(i * TEST_BLOCK_BYTES, (i + 1) * TEST_BLOCK_BYTES))
}

const receivedFrom = ({ exchange }: TestPeer, id: string): number =>
  exchange.peers().find(({ peerId }) => peerId === id)?.receivedBytes ?? 0

describe('a relay', () => {
  it('gets for a tab what only a peer of the bridge has, proofs and all', async () => {
    const { source, bridge, tab } = bridged()
    const dataset = await giveDataset(source, 90, 1)
    const one = tab('tab-1')
    const { cid } = await fetchBlock(one.exchange, dataset.manifest, { signal: NEVER })
    expect(String(cid)).toBe(String(dataset.manifest))
    await fetch(one, dataset)
    await expectWhole(one, dataset)
    // What it got it can prove to others.
    expect(await one.repo.getProofs(dataset.treeCid, [0, 89])).not.toContain(undefined)
    expect(source.exchange.peers().map(({ peerId }) => peerId)).toEqual(['bridge'])
    expect((await bridge.repo.recount({ signal: NEVER })).problems).toEqual([])
  })

  it('asks once for what many tabs want', async () => {
    const { source, bridge, tab } = bridged()
    const dataset = await giveDataset(source, 150, 2)
    const tabs = range(4).map((i) => tab(`tab-${i}`))
    await Promise.all(tabs.map((one) => fetch(one, dataset)))
    for (const one of tabs) await expectWhole(one, dataset)
    expect(receivedFrom(bridge, 'source')).toBe(dataset.bytes.length)
    const late = tab('tab-late')
    await fetch(late, dataset)
    expect(receivedFrom(bridge, 'source')).toBe(dataset.bytes.length)
  })

  it('works for nobody else', async () => {
    const { source, bridge, relay, tab } = bridged()
    const dataset = await giveDataset(source, 5, 3)
    const stranger = tab('stranger')
    const fetching = fetchLeaves(stranger.exchange, {
      ...dataset,
      indices: range(5),
      sink: storeLeaves(stranger.repo, dataset.treeCid, 5),
      stallSeconds: 30,
      signal: NEVER,
    })
    await expect(fetching).rejects.toMatchObject({ code: 'exchange/stalled' })
    expect(relay.clients()).toEqual([])
    expect(receivedFrom(bridge, 'source')).toBe(0)
  })

  it('gives each tab a fair share, however much one of them wants', async () => {
    const { source, relay, tab } = bridged()
    const sizes = [400, ...range(9).map(() => 130)]
    const tabs = sizes.map((_, i) => tab(`tab-${i}`))
    const datasets: TestDataset[] = []
    for (const [i, size] of sizes.entries()) datasets.push(await giveDataset(source, size, 100 + i))
    const ending = new AbortController()
    let shares: number[] = []
    const fetching = tabs.map((one, i) => {
      const { treeCid, leafCount } = datasets[i] as TestDataset
      const progress = ({ doneBlocks }: { readonly doneBlocks: number }): void => {
        // All of them still compete.
        if (doneBlocks < 90 || ending.signal.aborted) return
        shares = relay.clients().map(({ relayedBytes }) => relayedBytes)
        ending.abort(new Error('seen enough'))
      }
      const sink = storeLeaves(one.repo, treeCid, leafCount)
      const { signal } = new AbortController()
      const either = AbortSignal.any([signal, ending.signal])
      return fetchLeaves(one.exchange, {
        treeCid,
        leafCount,
        indices: range(leafCount),
        sink,
        progress,
        signal: either,
      })
    })
    for (const outcome of await Promise.allSettled(fetching)) expect(outcome.status).toBe('rejected')
    const mean = shares.reduce((sum, share) => sum + share, 0) / sizes.length
    expect(Math.min(...shares)).toBeGreaterThan(0.75 * mean)
    expect(Math.max(...shares)).toBeLessThan(1.25 * mean)
  })

  it('keeps no more than its cache may have, and never what a dataset of its own needs', async () => {
    const { source, bridge, relay, tab } = bridged(64 * CACHED_BYTES)
    const limit = 64 * TEST_BLOCK_BYTES
    const own = await giveDataset(source, 40, 4)
    const other = await giveDataset(source, 500, 5)
    const one = tab('tab-1')
    await fetch(one, own)
    // It was only cached; now it is a dataset here.
    await fetchDataset(bridge, own.manifest, { signal: NEVER })
    await fetch(one, other)
    await expectWhole(one, other)
    expect(relay.cachedBytes).toBeLessThanOrEqual(limit)
    await expectWhole(bridge, own)
    const { quotaUsedBytes } = await bridge.repo.space()
    expect(quotaUsedBytes).toBeLessThan(limit + own.bytes.length + 10 * TEST_BLOCK_BYTES)
    expect((await bridge.repo.recount({ signal: NEVER })).problems).toEqual([])
  })

  it('goes on where all space of the node is for others: what it cached before makes room, also for what is wanted by many', async () => {
    const quotaBytes = 400 * TEST_BLOCK_BYTES
    const { source, bridge, relay, tab } = bridged(undefined, { quotaBytes })
    await bridge.repo.reserve(280 * TEST_BLOCK_BYTES)
    const dataset = await giveDataset(source, 500, 5)
    const [one, two] = [tab('tab-1'), tab('tab-2')]
    await Promise.all([fetch(one, dataset), fetch(two, dataset)])
    await expectWhole(one, dataset)
    await expectWhole(two, dataset)
    expect(relay.cachedBytes).toBeLessThanOrEqual(120 * TEST_BLOCK_BYTES)
    expect((await bridge.repo.space()).quotaReservedBytes).toBe(280 * TEST_BLOCK_BYTES)
  })

  it('fetches nothing again and again that it has no room for', async () => {
    const quotaBytes = 100 * TEST_BLOCK_BYTES
    const { source, bridge, tab } = bridged(undefined, { quotaBytes })
    await bridge.repo.reserve(quotaBytes)
    const dataset = await giveDataset(source, 200, 5)
    const one = tab('tab-1')
    const { treeCid, leafCount } = dataset
    const fetching = fetchLeaves(one.exchange, {
      treeCid,
      leafCount,
      indices: range(leafCount),
      sink: storeLeaves(one.repo, treeCid, leafCount),
      stallSeconds: 4 * SHORT_SECONDS,
      signal: NEVER,
    })
    await expect(fetching).rejects.toMatchObject({ code: 'exchange/stalled' })
    // So much may be on its way when it is noticed, each time.
    expect(receivedFrom(bridge, 'source')).toBeLessThanOrEqual(5 * RELAYED_AT_ONCE * TEST_BLOCK_BYTES)
    await bridge.repo.release(quotaBytes)
    await fetch(one, dataset)
    await expectWhole(one, dataset)
  })

  it('leaves where they are in their tree the blocks that something else of this node has come to need', async () => {
    const { source, bridge, relay, tab } = bridged(64 * CACHED_BYTES)
    const limit = 64 * TEST_BLOCK_BYTES
    const [sold, other] = [await giveDataset(source, 40, 24), await giveDataset(source, 300, 25)]
    const one = tab('tab-1')
    await fetch(one, sold)
    // As a slot does that finds some of its blocks here: its list names them, and its proofs find them in the dataset's tree.
    const { repo } = bridge
    const listId = await repo.book(async ({ newList }) => {
      const [id, taken] = await newList()
      return { reserve: 0, changes: [taken], result: id }
    })
    const own = [3, 4, 5]
    const blocks = await repo.getVerified((await repo.getLeaves(sold.treeCid, own)).filter((cid) => cid !== undefined))
    await repo.putMany(
      blocks.filter((block) => block !== undefined),
      { leaves: { treeId: listId, indices: own } },
    )
    expect(await claimLeaves(repo.parts, sold.treeCid, own)).toEqual([])
    await fetch(one, other)
    expect(relay.cachedBytes).toBeLessThanOrEqual(limit)
    const left = await repo.getLeaves(sold.treeCid, range(40))
    expect(left.flatMap((cid, index) => (cid === undefined ? [] : [index]))).toEqual(own)
    expect(await repo.getProofs(sold.treeCid, own)).not.toContain(undefined)
    expect((await repo.recount({ signal: NEVER })).problems).toEqual([])
  })

  it('wants nothing any more for a tab that has gone or has changed its mind', async () => {
    const { source, bridge, relay, tab } = bridged()
    const dataset = await giveDataset(source, 10, 6)
    const nowhere = await giveDataset(peer('elsewhere'), 300, 7)
    const one = tab('tab-1')
    const other = tab('tab-2')
    const ending = new AbortController()
    const { treeCid, leafCount } = nowhere
    const want = (at: TestPeer, signal: AbortSignal): Promise<unknown> =>
      fetchLeaves(at.exchange, { treeCid, leafCount, indices: range(300), sink: async () => undefined, signal })
    const [first, second] = [want(one, ending.signal), want(other, NEVER)].map((each) => each.catch(() => undefined))
    await expect.poll(() => relay.clients().map(({ waitingBlocks: w, blocksUnderWay: u }) => w + u)).toEqual([300, 300])
    expect(bridge.exchange.unoffered()).toHaveLength(1)
    ending.abort(new Error('enough'))
    await first
    await expect.poll(() => relay.clients().map(({ waitingBlocks: w, blocksUnderWay: u }) => w + u)).toEqual([0, 300])
    await other.exchange.stop()
    await second
    await expect.poll(() => bridge.exchange.unoffered()).toEqual([])
    expect(relay.clients()).toHaveLength(1)
    await fetch(one, dataset)
    await expectWhole(one, dataset)
  })

  it('lets go of what a tab took back and wanted again while it was being stored', async () => {
    const { repo } = peer('bridge')
    const { bytes } = await giveDataset(peer('source'), 1, 10)
    const address = { treeCid: treeCid(new Uint8Array(32)), index: 0 }
    let watch: ShortageWatch | undefined
    let consumer: Consumer | undefined
    const wanted: unknown[] = []
    const exchange = {
      watchShortages: (given: ShortageWatch) => (watch = given),
      want: (each: unknown, _: unknown, given: Consumer) => {
        consumer = given
        wanted.push(each)
        return () => void wanted.pop()
      },
      announce: () => undefined,
      offer: () => undefined,
    } as unknown as BlockExchange
    const relay = new Relay({ exchange, repo, serves: () => true, clock, log: repo.parts.log })
    relays.push(relay)
    relay.start()
    watch?.missed('tab', [address])
    wanted.pop()
    const block = comparedBlock({ cid: blockCid(bytes), bytes })
    const proof = { index: 0, leafCount: 1, hashCode: address.treeCid.hashCode, path: [new Uint8Array(32)] }
    await new Promise<void>((resolve) => {
      consumer?.arrive({ address, block, proof, release: resolve })
      watch?.takenBack('tab', [address])
      watch?.missed('tab', [address])
      expect(wanted).toHaveLength(1)
    })
    expect(wanted).toEqual([])
    expect(relay.clients()).toMatchObject([{ waitingBlocks: 0, blocksUnderWay: 0 }])
  })

  it('gets no blocks by their own names but manifests, and those count', async () => {
    const { source, bridge, relay, tab } = bridged(12_000)
    const { bytes } = await giveDataset(source, 1, 11)
    const one = tab('tab-1')
    const asked = fetchBlock(one.exchange, blockCid(bytes), { signal: NEVER, stallSeconds: 10 })
    await expect(asked).rejects.toMatchObject({ code: 'exchange/stalled' })
    expect(await bridge.repo.space()).toMatchObject({ totalBlocks: 0 })
    const manifests = range(3).map((i) => {
      const encoded = encodeManifest(
        plainManifest(treeCid(new Uint8Array(32)), 1, { filename: `${i}`.repeat(4000), mimetype: undefined }),
      )
      return { cid: manifestCid(encoded), bytes: encoded }
    })
    await source.repo.putMany(await verifyBlocks(source.repo.parts.hasher, manifests))
    for (const { cid } of manifests) await fetchBlock(one.exchange, cid, { signal: NEVER, stallSeconds: 60 })
    await expect.poll(() => bridge.repo.hasMany(manifests.map(({ cid }) => cid))).toEqual([false, true, true])
    expect(relay.cachedBytes).toBeGreaterThan(8000)
    expect(relay.cachedBytes).toBeLessThanOrEqual(12_000)
  })

  it('lets go of what nobody gives, so that it does not stand in the way of the rest', async () => {
    const { source, relay, tab } = bridged()
    const dataset = await giveDataset(source, 20, 8)
    const { treeCid } = await giveDataset(peer('elsewhere'), MAX_WAITING_BY_PEER, 9)
    const greedy = tab('tab-1')
    const indices = range(1000)
    const leafCount = MAX_WAITING_BY_PEER
    const begun = clock.now()
    const hopeless = fetchLeaves(greedy.exchange, {
      treeCid,
      leafCount,
      indices,
      sink: async () => undefined,
      stallSeconds: 1.5 * GIVE_UP_SECONDS,
      signal: NEVER,
    }).catch((error: unknown) => error)
    await expect.poll(() => relay.clients()[0]?.waitingBlocks ?? 0).toBeGreaterThan(500)
    await fetch(tab('tab-2'), dataset)
    expect(clock.now() - begun).toBeLessThan(GIVE_UP_SECONDS)
    expect(await hopeless).toMatchObject({ code: 'exchange/stalled' })
  })
})
