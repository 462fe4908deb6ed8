// Which peers are asked for blocks without asking first whether they have them.

import { afterEach, describe, expect, it } from 'vitest'

import { decodeMessage } from '../../src/exchange/decodemessage.ts'
import { fetchLeaves, WINDOW } from '../../src/exchange/fetchleaves.ts'
import type { Message } from '../../src/exchange/message.ts'
import { WANT_BLOCK, WANT_HAVE } from '../../src/exchange/message.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { MAX_TRUSTED_TREES, TreeTrust, TRUST_AFTER_LEAVES } from '../../src/exchange/treetrust.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import type { TestDataset, TestPeer } from '../fakes/exchangepeers.ts'
import { giveDataset, join, range, runTime, testPeer } from '../fakes/exchangepeers.ts'
import { NEVER } from '../fakes/memorystore.ts'

/** A window, and some that are wanted when the first were answered. */
const LEAVES = WINDOW + 300

const tree = (seed: number) => treeCid(new Uint8Array(32).fill(seed))

function confirmed(trust: TreeTrust, seed: number, leaves = TRUST_AFTER_LEAVES): void {
  for (let i = 0; i < leaves; i++) trust.confirm(tree(seed))
}

describe('trust in a peer for a tree', () => {
  it('needs many leaves said and not one denied', () => {
    const trust = new TreeTrust()
    expect(trust.trusts(tree(1))).toBe(false)
    confirmed(trust, 1, TRUST_AFTER_LEAVES - 1)
    expect(trust.trusts(tree(1))).toBe(false)
    trust.confirm(tree(1))
    expect(trust.trusts(tree(1))).toBe(true)
    expect(trust.trusts(tree(2))).toBe(false)
    trust.deny(tree(1))
    expect(trust.trusts(tree(1))).toBe(false)
    confirmed(trust, 1)
    expect(trust.trusts(tree(1))).toBe(false)
  })

  it('is kept for a few trees', () => {
    const trust = new TreeTrust()
    for (const seed of range(MAX_TRUSTED_TREES + 1)) confirmed(trust, seed)
    expect(trust.trusts(tree(0))).toBe(false)
    for (const seed of range(MAX_TRUSTED_TREES)) expect(trust.trusts(tree(seed + 1))).toBe(true)
  })
})

describe('a fetch', () => {
  const clock = new ManualClock(1_000_000)
  const peers: TestPeer[] = []
  const stops: (() => Promise<void>)[] = []

  function peer(id: string): TestPeer {
    const made = testPeer(id, clock)
    peers.push(made)
    return made
  }

  function fetch(to: TestPeer, { treeCid, leafCount }: TestDataset): Promise<unknown> {
    const sink = storeLeaves(to.repo, treeCid, leafCount)
    const indices = range(leafCount)
    return fetchLeaves(to.exchange, { treeCid, leafCount, indices, sink, signal: NEVER, stallSeconds: 300 })
  }

  afterEach(async () => {
    await Promise.all(peers.map(({ exchange }) => exchange.stop()))
    await Promise.all(peers.map(({ repo }) => repo.close()))
    for (const stop of stops.splice(0)) await stop()
    peers.length = 0
  })

  it('asks one that has had all so far for the rest at once', async () => {
    // Time stands still: a peer that a second is long for would be taken for one that has not got what it said.
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, LEAVES, 1)
    const heard: Message[] = []
    join(a, b, {
      bToA: (bytes) => {
        heard.push(decodeMessage(bytes))
        return [bytes]
      },
    })
    await fetch(b, dataset)
    const asked = heard.flatMap(({ wants }) => wants).filter(({ cancel }) => !cancel)
    const indices = (type: number) =>
      new Set(asked.flatMap(({ wantType, index }) => (wantType === type ? [index] : [])))
    // The first window is asked about before anything is known.
    expect(indices(WANT_HAVE)).toEqual(new Set(range(WINDOW)))
    expect(indices(WANT_BLOCK)).toEqual(new Set(range(LEAVES)))
  })

  it('asks others when the trusted one has not got it after all, and does not trust it again', async () => {
    stops.push(runTime(clock))
    const [a, b, c] = [peer('a'), peer('bb'), peer('ccc')]
    const dataset = await giveDataset(a, LEAVES, 2)
    await giveDataset(c, LEAVES, 2)
    await a.repo.dropLeaves(
      dataset.treeCid,
      range(100).map((i) => i + WINDOW),
    )
    join(a, b)
    const fetching = fetch(b, dataset)
    await clock.until(clock.now() + 3, { signal: NEVER })
    expect(a.exchange.peers()[0]?.sentBytes).toBeGreaterThan(0)
    join(c, b)
    await fetching
    expect((await b.repo.getAt(dataset.treeCid, range(LEAVES))).every((block) => block !== undefined)).toBe(true)
    expect(b.exchange.peers().map(({ peerId }) => peerId)).toEqual(['a', 'ccc'])
  })

  it('is not kept waiting by one that is silent about what it was trusted with', async () => {
    stops.push(runTime(clock))
    const [a, b, c] = [peer('a'), peer('bb'), peer('ccc')]
    const dataset = await giveDataset(a, LEAVES, 3)
    await giveDataset(c, LEAVES, 3)
    // As the network's own nodes: they do not say what they have not got.
    await a.repo.dropLeaves(
      dataset.treeCid,
      range(100).map((i) => i + WINDOW),
    )
    join(a, b, {
      aToB: (bytes) => (decodeMessage(bytes).presences.some(({ type }) => type === 'dontHave') ? [] : [bytes]),
    })
    const fetching = fetch(b, dataset)
    await clock.until(clock.now() + 3, { signal: NEVER })
    join(c, b)
    const begun = clock.now()
    await fetching
    expect(clock.now() - begun).toBeLessThan(20)
    expect(b.exchange.isBarred('a')).toBe(false)
  })
})
