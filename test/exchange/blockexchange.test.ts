// Peers that exchange blocks over memory: honest ones, slow ones, liars. Whatever they do, nothing unverified reaches the store.

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BlockSource } from '../../src/exchange/blocksource.ts'
import { MAX_PARTIAL_BYTES, MAX_PEERS, SEND_SECONDS } from '../../src/exchange/blockexchange.ts'
import { encodeMessage } from '../../src/exchange/encodemessage.ts'
import { decodeMessage } from '../../src/exchange/decodemessage.ts'
import { fetchBlock } from '../../src/exchange/fetchblock.ts'
import type { FetchLeavesOptions, FetchProgress } from '../../src/exchange/fetchleaves.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import type { Delivery, Message } from '../../src/exchange/message.ts'
import { Peer } from '../../src/exchange/peer.ts'
import { MIN_WINDOW_BYTES } from '../../src/exchange/ratemeter.ts'
import { MAX_IN_FLIGHT_BYTES, Requester, SILENT_SECONDS } from '../../src/exchange/requester.ts'
import { MAX_LENT_BYTES } from '../../src/exchange/responder.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { raceAbort } from '../../src/lib/abort.ts'
import { concatBytes } from '../../src/lib/bytes.ts'
import { MiB } from '../../src/lib/units.ts'
import type { Link } from '../../src/exchange/link.ts'
import { hashBlocks } from '../../src/storage/verifiedblock.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { blockCid } from '../../src/protocol/block.ts'
import { verifyMerkleProof } from '../../src/protocol/merkleproof.ts'
import { merkleTree, treeCid } from '../../src/protocol/merkletree.ts'
import type { TestDataset, TestPeer } from '../fakes/exchangepeers.ts'
import { giveContent, giveDataset, join, range, runTime, testPeer, TEST_BLOCK_BYTES } from '../fakes/exchangepeers.ts'
import type { Meddle } from '../fakes/memorylinks.ts'
import { memoryLinks } from '../fakes/memorylinks.ts'
import { NEVER, seededBytes } from '../fakes/memorystore.ts'

const peers: TestPeer[] = []
let clock = new ManualClock(1_000_000)
let stopTime = async (): Promise<void> => {}

beforeEach(() => {
  clock = new ManualClock(1_000_000)
  stopTime = runTime(clock)
})

function peer(id: string): TestPeer {
  const made = testPeer(id, clock)
  peers.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(peers.map(({ exchange }) => exchange.stop()))
  await Promise.all(peers.map(({ repo }) => repo.close()))
  await stopTime()
  expect(clock.waiting).toBe(0)
  peers.length = 0
})

function fetch(
  to: TestPeer,
  { treeCid, leafCount }: TestDataset,
  options: Partial<FetchLeavesOptions> = {},
): Promise<FetchProgress> {
  const sink = storeLeaves(to.repo, treeCid, leafCount)
  const whole = { treeCid, leafCount, indices: range(leafCount), sink, signal: NEVER, stallSeconds: 300 }
  return fetchLeaves(to.exchange, { ...whole, ...options })
}

function pass(seconds: number): Promise<void> {
  return clock.until(clock.now() + seconds, { signal: NEVER })
}

async function expectWhole(to: TestPeer, { treeCid, leafCount, bytes }: TestDataset): Promise<void> {
  const blocks = await to.repo.getAt(treeCid, range(leafCount))
  for (const [i, block] of blocks.entries()) {
    const expected = bytes.subarray(i * TEST_BLOCK_BYTES, (i + 1) * TEST_BLOCK_BYTES)
    expect(blockCid(block ?? new Uint8Array(1)).toString()).toBe(blockCid(expected).toString())
    const proof = await to.repo.getProof(treeCid, i)
    expect(proof && verifyMerkleProof(treeCid.digest, blockCid(expected).digest, proof)).toBe(true)
  }
}

/** Changes each message of deliveries by `change`; the others pass. */
function changing(change: (deliveries: readonly Delivery[], message: Message) => readonly Delivery[]): Meddle {
  return (bytes) => {
    const message = decodeMessage(bytes)
    if (message.deliveries.length === 0) return [bytes]
    return [encodeMessage({ ...message, deliveries: change(message.deliveries, message) })]
  }
}

describe('a fetch', () => {
  it('brings every leaf with its proof, and can be served on', async () => {
    const [a, b, c] = [peer('a'), peer('bb'), peer('ccc')]
    const dataset = await giveDataset(a, 300, 1)
    join(a, b)
    const told: FetchProgress[] = []
    const progress = await fetch(b, dataset, { progress: (now) => told.push(now) })
    expect(progress).toEqual({
      totalBlocks: 300,
      doneBlocks: 300,
      localBlocks: 0,
      fetchedBytes: 300 * TEST_BLOCK_BYTES,
    })
    expect(told.at(-1)).toEqual(progress)
    await expectWhole(b, dataset)
    join(b, c)
    await fetch(c, dataset)
    await expectWhole(c, dataset)
    expect(b.exchange.inFlightBytes).toBe(0)
    expect(await b.repo.recount({ signal: NEVER })).toMatchObject({})
  })

  it('takes what is here from here, and goes on where it was', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 40, 2)
    join(a, b)
    await fetch(b, dataset, { indices: range(25) })
    const asked = a.exchange.peers()[0]?.sentBytes
    const progress = await fetch(b, dataset)
    expect(progress).toMatchObject({ localBlocks: 25, doneBlocks: 40, fetchedBytes: 15 * TEST_BLOCK_BYTES })
    expect(asked).toBe(25 * TEST_BLOCK_BYTES)
    expect(a.exchange.peers()[0]?.sentBytes).toBe(40 * TEST_BLOCK_BYTES)
    await expectWhole(b, dataset)
  })

  it('brings a manifest by its CID', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const { manifest } = await giveDataset(a, 2, 3)
    join(a, b)
    const block = await fetchBlock(b.exchange, manifest, { signal: NEVER })
    expect(String(block.cid)).toBe(String(manifest))
    expect(block.bytes).toEqual(await a.repo.get(manifest))
  })

  it('of more leaves than the memory holds asks for no more than that', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 1200, 4)
    join(a, b)
    let most = 0
    const sink = storeLeaves(b.repo, dataset.treeCid, dataset.leafCount)
    await fetch(b, dataset, {
      sink: async (leaves) => {
        most = Math.max(most, b.exchange.inFlightBytes)
        expect(leaves.length).toBeLessThanOrEqual(128)
        await sink(leaves)
      },
    })
    expect(most).toBeLessThanOrEqual(MAX_IN_FLIGHT_BYTES)
    await expectWhole(b, dataset)
  })

  it('uses every peer that has something', async () => {
    const [a, b, c] = [peer('a'), peer('bb'), peer('ccc')]
    const dataset = await giveDataset(a, 200, 5)
    await giveDataset(c, 200, 5)
    join(a, b)
    join(c, b)
    await fetch(b, dataset)
    for (const { sentBytes } of [...a.exchange.peers(), ...c.exchange.peers()])
      expect(sentBytes).toBeGreaterThan(20 * TEST_BLOCK_BYTES)
    await expectWhole(b, dataset)
  })

  it('begins before there is a peer, and ends with the block that comes later', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(peer('source'), 5, 6)
    const fetching = fetch(b, dataset)
    await pass(3)
    join(a, b)
    await pass(3)
    await giveDataset(a, 5, 6)
    await fetching
    await expectWhole(b, dataset)
  })

  it('fails when nobody has it, after the time it was given', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(peer('source'), 5, 6)
    join(a, b)
    const begun = clock.now()
    await expect(fetch(b, dataset, { stallSeconds: 20 })).rejects.toMatchObject({ code: 'exchange/stalled' })
    expect(clock.now() - begun).toBeGreaterThanOrEqual(20)
    expect(clock.now() - begun).toBeLessThan(25)
  })

  it('ends when its caller gives up, when the exchange stops, and when the store is full', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 50, 7)
    const giveUp = new AbortController()
    const aborted = fetch(b, dataset, { signal: giveUp.signal })
    giveUp.abort(new Error('enough'))
    await expect(aborted).rejects.toThrow('enough')
    join(a, b)
    const full = async (): Promise<never> => {
      throw new Error('disk full')
    }
    await expect(fetch(b, dataset, { sink: full })).rejects.toThrow('disk full')
    expect(b.exchange.inFlightBytes).toBe(0)
    const stopped = fetch(b, { ...dataset, treeCid: (await giveDataset(peer('x'), 2, 99)).treeCid })
    await pass(1)
    await b.exchange.stop()
    await expect(stopped).rejects.toMatchObject({ code: 'exchange/stopped' })
    await expect(fetch(b, dataset)).rejects.toMatchObject({ code: 'exchange/stopped' })
  })
})

/** A dataset of the blocks of another, each of them at two places. */
async function giveTwice({ repo }: TestPeer, { bytes, leafCount }: TestDataset): Promise<TestDataset> {
  const cids = [...range(leafCount), ...range(leafCount)].map((i) =>
    blockCid(bytes.subarray(i * TEST_BLOCK_BYTES, (i + 1) * TEST_BLOCK_BYTES)),
  )
  const tree = merkleTree(cids.map(({ digest }) => digest))
  const whole = treeCid(tree.root)
  const leaves = cids.map((cid, index) => ({ index, blockCid: cid, path: tree.proof(index).path }))
  await repo.putLeaves(whole, cids.length, leaves)
  return { manifest: whole, treeCid: whole, leafCount: cids.length, bytes: concatBytes(bytes, bytes) }
}

describe('two who want the same', () => {
  it('get one copy each of what came once', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 30, 8)
    join(a, b)
    await Promise.all([fetch(b, dataset), fetch(b, dataset)])
    expect(a.exchange.peers()[0]?.sentBytes).toBe(30 * TEST_BLOCK_BYTES)
    await expectWhole(b, dataset)
  })

  it('do not lose it when one of them gives up', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 30, 9)
    const giveUp = new AbortController()
    const first = fetch(b, dataset, { signal: giveUp.signal })
    const second = fetch(b, dataset)
    await pass(1)
    giveUp.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    join(a, b)
    await second
    await expectWhole(b, dataset)
  })

  it('of slots that share a block both have it', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 4, 10)
    const twice = new Uint8Array(8 * TEST_BLOCK_BYTES)
    twice.set(dataset.bytes)
    twice.set(dataset.bytes, 4 * TEST_BLOCK_BYTES)
    const other = await giveTwice(a, dataset)
    join(a, b)
    await Promise.all([fetch(b, dataset), fetch(b, other)])
    await expectWhole(b, dataset)
    await expectWhole(b, other)
  })
})

describe('a manifest that lies', () => {
  const lies = {
    'of the size of blocks': { blockSize: TEST_BLOCK_BYTES / 2 },
    'of how many there are': { leafCount: 31 },
  }

  it.each(Object.entries(lies))('%s costs no peer anything, and who was told the truth gets all', async (_, lie) => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 30, 70)
    const blockSize = TEST_BLOCK_BYTES
    const fooled = fetch(b, dataset, { blockSize, ...lie }).catch((error: unknown) => error)
    const honest = fetch(b, dataset, { blockSize })
    join(a, b)
    expect(await fooled).toMatchObject({ code: 'exchange/misfit' })
    await honest
    expect(b.exchange.isBarred('a')).toBe(false)
    expect(b.exchange.inFlightBytes).toBe(0)
    await expectWhole(b, dataset)
  })

  it('and names much smaller blocks than there are does not make messages too long', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const { treeCid: tree, leafCount } = await giveContent(a, seededBytes(400 * TEST_BLOCK_BYTES, 71))
    const whole = { treeCid: tree, leafCount, bytes: new Uint8Array(0), manifest: tree }
    join(a, b)
    await expect(fetch(b, whole, { blockSize: 1 })).rejects.toMatchObject({ code: 'exchange/misfit' })
    expect(b.exchange.isBarred('a')).toBe(false)
  })
})

describe('a peer that was thrown out', () => {
  it('is not listened to any more, whatever else its last message says', async () => {
    const b = peer('bb')
    const told: string[] = []
    b.exchange.watchShortages({
      missed: () => told.push('missed'),
      takenBack: () => told.push('taken back'),
      gone: () => told.push('gone'),
    })
    const [link, theirs] = memoryLinks('evil', b.id)
    const over = b.exchange.attach(theirs)
    const deliveries = range(6).map((i) => {
      const data = Uint8Array.of(i)
      return { cid: blockCid(data), data }
    })
    const wants = range(100).map((index) => ({ treeCid: treeCid(new Uint8Array(32)), index, wantType: 1 as const }))
    await link.send([encodeMessage({ deliveries, wants })], { signal: NEVER })
    await over
    expect(b.exchange.isBarred('evil')).toBe(true)
    await pass(2)
    expect(told).toEqual(['gone'])
  })

  it('is asked for nothing by what it says while that waits to be acted on', () => {
    const { hasher } = peer('x').repo.parts
    const requester = new Requester({ hasher, now: () => clock.now(), random: () => 0.5, evict: () => undefined })
    const address = { treeCid: treeCid(new Uint8Array(32)), index: 0 }
    const ghost = new Peer(memoryLinks('us', 'ghost')[0], clock.now())
    requester.addPeer(ghost)
    const consumer = { arrive: () => undefined, misfit: () => undefined, tick: () => undefined }
    requester.want(address, { maxBytes: TEST_BLOCK_BYTES }, consumer)
    requester.removePeer(ghost)
    ghost.leave(new Error('thrown out'))
    requester.takePresences(ghost, [{ ...address, type: 'have', price: 0n }])
    expect(requester.inFlightBytes).toBe(0)
    expect(requester.unoffered()).toHaveLength(1)
  })
})

describe('when there are as many peers as may be', () => {
  it('one that this node called takes the place of one that called it and has been of no use', async () => {
    const b = peer('bb')
    for (const i of range(MAX_PEERS)) void b.exchange.attach(memoryLinks(`idle-${i}`, b.id)[1])
    const ids = (): string[] => b.exchange.peers().map(({ peerId }) => peerId)
    void b.exchange.attach(memoryLinks('another', b.id)[1])
    expect(ids()).not.toContain('another')
    void b.exchange.attach(Object.assign(memoryLinks('called', b.id)[1], { isDialled: true }))
    expect(ids()).toHaveLength(MAX_PEERS)
    expect(ids()).toContain('called')
    expect(ids()).not.toContain('idle-0')
    expect(b.exchange.isBarred('idle-0')).toBe(false)
  })
})

describe('memory for peers', () => {
  /** A peer that takes nothing of what it is sent. */
  const deaf = (id: string, to: TestPeer, bytes = 0): Link => {
    const [link, theirs] = memoryLinks(id, to.id)
    const send: Link['send'] = (_, { signal }) => raceAbort(new Promise<void>(() => undefined), signal)
    const silent = Object.assign(theirs, { send, partialBytes: bytes })
    void to.exchange.attach(Object.assign(silent, { partialSince: bytes > 0 ? clock.now() : undefined }))
    return link
  }

  it('is bounded however many of them want large blocks and take none', async () => {
    const b = peer('bb')
    const blocks = await hashBlocks(
      b.repo.parts.hasher,
      range(8).map((i) => seededBytes(MiB, i)),
    )
    await b.repo.putMany(blocks)
    // Only as much is read as may be sent.
    const source = new BlockSource(b.repo)
    expect(await source.load(blocks, undefined, 4 * MiB)).toHaveLength(4)
    expect(await source.load(blocks, undefined, 1)).toHaveLength(1)
    let readBytes = 0
    const { getMany } = b.repo
    b.repo.getMany = async (...args) => {
      const found = await getMany.apply(b.repo, args)
      readBytes += found.reduce((sum, block) => sum + (block?.length ?? 0), 0)
      return found
    }
    const wants = blocks.map(({ cid }) => ({ cid, wantType: 0 as const }))
    for (const i of range(20)) await deaf(`deaf-${i}`, b).send([encodeMessage({ wants })], { signal: NEVER })
    await pass(5)
    // One batch each is being sent, and for few the next is read.
    expect(readBytes).toBeLessThanOrEqual(MAX_LENT_BYTES + 24 * MiB)
  })

  it('that unfinished messages hold is given back by the one that is unfinished longest', async () => {
    const b = peer('bb')
    const half = MAX_PARTIAL_BYTES / 2
    deaf('first', b, half)
    await pass(1)
    deaf('second', b, half)
    deaf('third', b, 1)
    await pass(2)
    expect(b.exchange.peers().map(({ peerId }) => peerId)).toEqual(['second', 'third'])
  })
})

describe('a machine that sleeps for an hour in the middle of its work', () => {
  /** What `a` delivers is kept waiting until it is let through. */
  function holding(): { readonly through: () => void; readonly aToB: Meddle } {
    let through = (): void => undefined
    const passing = new Promise<void>((resolve) => (through = resolve))
    const aToB: Meddle = async (bytes) => {
      if (decodeMessage(bytes).deliveries.length > 0) await passing
      return [bytes]
    }
    return { through, aToB }
  }

  async function sleepAnHour(): Promise<void> {
    await stopTime()
    clock.advance(3600)
    stopTime = runTime(clock)
  }

  it('throws out nobody for it that was asked or is being served, and goes on', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 20, 73)
    const { through, aToB } = holding()
    join(a, b, { aToB })
    const fetching = fetch(b, dataset)
    const described = fetchBlock(b.exchange, dataset.manifest, { signal: NEVER, stallSeconds: 300 })
    await pass(3)
    await sleepAnHour()
    await pass(SILENT_SECONDS / 2)
    expect(b.exchange.isBarred('a')).toBe(false)
    expect(a.exchange.isBarred('bb')).toBe(false)
    through()
    await fetching
    await described
    await expectWhole(b, dataset)
  })

  it('throws out who is silent from then on, and gives up in time', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 20, 73)
    const { through, aToB } = holding()
    join(a, b, { aToB })
    const begun = clock.now()
    const fetching = fetch(b, dataset, { stallSeconds: 100 }).catch((error: unknown) => error)
    await pass(3)
    await sleepAnHour()
    await pass(SEND_SECONDS + 5)
    expect(b.exchange.isBarred('a')).toBe(true)
    expect(a.exchange.isBarred('bb')).toBe(true)
    expect(await fetching).toMatchObject({ code: 'exchange/stalled' })
    expect(clock.now() - begun - 3600).toBeLessThan(110)
    through()
  })
})

describe('peers that say they have it and are silent', () => {
  it('hold up a fetch for seconds, and little of its memory', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const dataset = await giveDataset(a, 200, 72)
    const mute = range(3).map((i) => peer(`mute-${i}`))
    for (const each of mute) {
      await giveDataset(each, 200, 72)
      // Presences go through, blocks do not.
      join(each, b, { aToB: (bytes) => (decodeMessage(bytes).deliveries.length > 0 ? [] : [bytes]) })
    }
    const begun = clock.now()
    const fetching = fetch(b, dataset)
    await pass(3)
    expect(b.exchange.inFlightBytes).toBeLessThanOrEqual(3 * MIN_WINDOW_BYTES)
    join(a, b)
    await fetching
    expect(clock.now() - begun).toBeLessThan(SILENT_SECONDS)
    await expectWhole(b, dataset)
  })
})

describe('a peer that', () => {
  const other = merkleTree([1, 2, 3, 4].map((byte) => new Uint8Array(32).fill(byte)))
  const lies: readonly (readonly [string, Meddle])[] = [
    ['sends other data', changing((all) => all.map((d) => ({ ...d, data: d.data.toReversed() })))],
    [
      'sends another block under its right name',
      changing((all) =>
        all.map((d) => {
          const data = new Uint8Array(TEST_BLOCK_BYTES).fill(1)
          return { ...d, data, cid: blockCid(data) }
        }),
      ),
    ],
    [
      'sends the right block with the proof of another tree',
      changing((all) => all.map((d) => (d.proof === undefined ? d : { ...d, proof: other.proof(0) }))),
    ],
    [
      'sends the right block with one node of the proof changed',
      changing((all) =>
        all.map((d) =>
          d.proof === undefined
            ? d
            : { ...d, proof: { ...d.proof, path: d.proof.path.with(-1, new Uint8Array(32).fill(9)) } },
        ),
      ),
    ],
    [
      'sends the right block with the proof of its neighbour',
      changing((all) =>
        all.map((d, i) => {
          const next = all[(i + 1) % all.length]
          return d.proof === undefined || next?.proof === undefined ? d : { ...d, proof: next.proof }
        }),
      ),
    ],
    ['sends bytes that are no message', () => [Uint8Array.of(0xff, 0xff, 0xff)]],
    ['sends a third value of an enum', () => [Uint8Array.from([0x0a, 0x02, 0x10, 0x02])]],
    ['sends a message as long as it likes', () => [new Uint8Array(20 * 1024 * 1024)]],
  ]

  it.each(lies)('%s is thrown out, and what it sent is not stored', async (_, meddle) => {
    const [liar, b, honest] = [peer('liar'), peer('bb'), peer('honest')]
    const dataset = await giveDataset(liar, 10, 11)
    await giveDataset(honest, 10, 11)
    join(liar, b, { aToB: meddle })
    const fetching = fetch(b, dataset)
    await pass(2)
    expect(b.exchange.isBarred('liar')).toBe(true)
    expect(b.exchange.peers()).toEqual([])
    expect((await b.repo.space()).totalBlocks).toBe(0)
    join(honest, b)
    await fetching
    await expectWhole(b, dataset)
    const { over } = join(liar, b)
    await over
    expect(b.exchange.peers().map(({ peerId }) => peerId)).toEqual(['honest'])
  })

  it('says it has blocks and never sends them is given up, and another asked', async () => {
    const [silent, b, honest] = [peer('silent'), peer('bb'), peer('honest')]
    const dataset = await giveDataset(silent, 10, 12)
    await giveDataset(honest, 10, 12)
    join(silent, b, { aToB: (bytes) => (decodeMessage(bytes).deliveries.length > 0 ? [] : [bytes]) })
    const fetching = fetch(b, dataset)
    await pass(3)
    join(honest, b)
    const begun = clock.now()
    await fetching
    expect(clock.now() - begun).toBeLessThan(20)
    await expectWhole(b, dataset)
  })

  it('was asked and keeps silent is thrown out in the end', async () => {
    const [silent, b] = [peer('silent'), peer('bb')]
    const dataset = await giveDataset(silent, 10, 12)
    join(silent, b, { aToB: (bytes) => (decodeMessage(bytes).deliveries.length > 0 ? [] : [bytes]) })
    await expect(fetch(b, dataset, { stallSeconds: SILENT_SECONDS + 20 })).rejects.toMatchObject({
      code: 'exchange/stalled',
    })
    expect(b.exchange.isBarred('silent')).toBe(true)
  })

  it('leaves out one block of many is asked for the others, and another for that one', async () => {
    const [a, b, honest] = [peer('a'), peer('bb'), peer('honest')]
    const dataset = await giveDataset(a, 50, 13)
    join(a, b, { aToB: changing((all) => all.filter(({ index }) => index !== 17)) })
    const fetching = fetch(b, dataset)
    await pass(2)
    await giveDataset(honest, 50, 13)
    join(honest, b)
    await fetching
    await expectWhole(b, dataset)
    expect(b.exchange.isBarred('a')).toBe(false)
  })

  it('floods us with blocks nobody asked for is thrown out; none is stored', async () => {
    const [a, b] = [peer('a'), peer('bb')]
    const { links } = join(a, b)
    for (let i = 0; i < 10; i++) {
      const data = new Uint8Array(100).fill(i)
      const message = encodeMessage({ deliveries: [{ cid: blockCid(data), data }] })
      await links[0].send([message], { signal: NEVER }).catch(() => undefined)
    }
    await pass(1)
    expect(b.exchange.isBarred('a')).toBe(true)
    expect((await b.repo.space()).totalBlocks).toBe(0)
  })

  it('goes in the middle leaves the rest to another', async () => {
    const [a, b, honest] = [peer('a'), peer('bb'), peer('honest')]
    const dataset = await giveDataset(a, 100, 14)
    await giveDataset(honest, 100, 14)
    let messages = 0
    join(a, b, {
      aToB: (bytes, end) => {
        if (++messages > 4) end()
        return [bytes]
      },
    })
    const fetching = fetch(b, dataset)
    await pass(2)
    join(honest, b)
    await fetching
    await expectWhole(b, dataset)
    expect(b.exchange.isBarred('a')).toBe(false)
  })
})

describe('serving', () => {
  it('answers only what was asked, and nothing twice', async () => {
    const a = peer('a')
    const { treeCid, manifest } = await giveDataset(a, 8, 15)
    const heard: Message[] = []
    const { links } = join(a, peer('bb'), {
      aToB: (bytes) => {
        heard.push(decodeMessage(bytes))
        return []
      },
    })
    const say = (wants: object[]): Promise<void> =>
      links[1].send([encodeMessage({ wants } as never)], { signal: NEVER })
    const unknown = { cid: blockCid(new Uint8Array(3)) }
    await say([
      { treeCid, index: 3, wantType: 1 },
      { treeCid, index: 8, wantType: 1 },
      { ...unknown, wantType: 1 },
    ])
    await pass(3)
    expect(heard.flatMap(({ presences }) => presences.map(({ index, type }) => [index, type]))).toEqual([[3, 'have']])
    await say([{ ...unknown, wantType: 1, sendDontHave: true }])
    await say([
      { treeCid, index: 2, wantType: 0 },
      { treeCid, index: 2, wantType: 0 },
      { cid: manifest, wantType: 0 },
    ])
    await say([
      { treeCid, index: 5, wantType: 0 },
      { treeCid, index: 5, wantType: 1, cancel: true },
    ])
    await pass(3)
    expect(heard.flatMap(({ presences }) => presences.map(({ type }) => type))).toEqual(['have', 'dontHave'])
    const sent = heard.flatMap(({ deliveries }) => deliveries)
    expect(sent.map(({ index }) => index)).toEqual([2, undefined])
    expect(heard.every(({ deliveries }) => deliveries.length <= 20)).toBe(true)
  })

  it('sends what was wanted when it arrives later', async () => {
    const [source, a] = [peer('source'), peer('a')]
    const dataset = await giveDataset(source, 3, 16)
    const heard: Delivery[] = []
    const { links } = join(a, peer('bb'), {
      aToB: (bytes) => {
        heard.push(...decodeMessage(bytes).deliveries)
        return []
      },
    })
    const want = { treeCid: dataset.treeCid, index: 1, wantType: 0 } as const
    await links[1].send([encodeMessage({ wants: [want] })], { signal: NEVER })
    await pass(1)
    expect(heard).toEqual([])
    join(source, a)
    await fetch(a, dataset)
    await pass(1)
    expect(heard.map(({ index }) => index)).toEqual([1])
  })

  it('sends once, and only when asked again, what it first said it has not got', async () => {
    const [source, a] = [peer('source'), peer('a')]
    const dataset = await giveDataset(source, 3, 19)
    const heard: Message[] = []
    const { links } = join(a, peer('bb'), {
      aToB: (bytes) => {
        heard.push(decodeMessage(bytes))
        return []
      },
    })
    const want = { treeCid: dataset.treeCid, index: 1, wantType: 0, sendDontHave: true } as const
    const ask = (): Promise<void> => links[1].send([encodeMessage({ wants: [want] })], { signal: NEVER })
    await ask()
    await pass(1)
    join(source, a)
    await fetch(a, dataset)
    await pass(2)
    expect(heard.flatMap(({ presences }) => presences.map(({ type }) => type))).toEqual(['dontHave'])
    expect(heard.flatMap(({ deliveries }) => deliveries)).toEqual([])
    await ask()
    await pass(2)
    expect(heard.flatMap(({ deliveries }) => deliveries.map(({ index }) => index))).toEqual([1])
  })

  it('shares fairly among those who want much', async () => {
    const a = peer('a')
    const dataset = await giveDataset(a, 400, 17)
    const others = range(4).map((i) => peer(`other${'x'.repeat(i)}`))
    for (const one of others) join(a, one)
    let isFirst = true
    await Promise.all(
      others.map(async (one) => {
        await fetch(one, dataset)
        if (!isFirst) return
        isFirst = false
        const shares = a.exchange.peers().map(({ sentBytes }) => sentBytes / TEST_BLOCK_BYTES)
        // The first is ready; the others must not be far behind.
        expect(Math.min(...shares)).toBeGreaterThan(300)
      }),
    )
  })
})
