// Real connections that fail: through a proxy that delays, drops, stalls and cuts, and to peers that attack on the wire. Every fetch ends right or with
// a typed error, and nothing unverified is in the store.

import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, describe, expect, it } from 'vitest'

import { BootstrapDiscovery } from '../../src/exchange/bootstrapdiscovery.ts'
import { encodeMessage } from '../../src/exchange/encodemessage.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { framePrefix } from '../../src/exchange/framereader.ts'
import { BLOCK_EXCHANGE_PROTOCOL } from '../../src/exchange/message.ts'
import { MAX_WANTED_BY_PEER } from '../../src/exchange/responder.ts'
import { parsePeerAddress } from '../../src/exchange/peeraddress.ts'
import { PeerFinder } from '../../src/exchange/peerfinder.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { concatBytes } from '../../src/lib/bytes.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { blockCid } from '../../src/protocol/block.ts'
import type { Cid } from '../../src/protocol/cid.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import { WireWriter } from '../../src/protocol/wire.ts'
import type { TestDataset } from '../fakes/exchangepeers.ts'
import { giveContent, giveDataset, range, TEST_BLOCK_BYTES } from '../fakes/exchangepeers.ts'
import type { FaultyProxy, Faults } from '../fakes/faultyproxy.ts'
import { faultyProxy } from '../fakes/faultyproxy.ts'
import { NEVER, seededBytes } from '../fakes/memorystore.ts'
import type { NetworkNode } from '../fakes/networknodes.ts'
import { connect, networkNode } from '../fakes/networknodes.ts'

const BLOCKS = 400
/** Handshake, negotiation and identify take some kilobytes; a batch of test blocks some twenty. */
const CLASSES_OF_CUTS = [50, 700, 2500, 5000, 30_000, 100_000, 100_001, 250_000].filter(
  (_, i) => Boolean(import.meta.env['LONG']) || i % 2 === 0,
)

const ends: (() => Promise<void>)[] = []

async function node(): Promise<NetworkNode> {
  const made = await networkNode()
  ends.push(() => made.stop())
  return made
}

async function proxyTo(target: NetworkNode, faults: Faults): Promise<FaultyProxy> {
  const port = Number(/\/tcp\/(\d+)/.exec(target.network.addresses()[0] ?? '')?.[1])
  const proxy = await faultyProxy(port, faults)
  ends.push(() => proxy.close())
  return proxy
}

/** Keeps connecting, through the proxy where there is one, as a node with a bootstrap peer does. */
function keepConnecting(from: NetworkNode, to: NetworkNode, proxy?: FaultyProxy): void {
  const address = proxy === undefined ? to.network.addresses()[0] : `/ip4/127.0.0.1/tcp/${proxy.port}`
  const finder = new PeerFinder({
    discovery: new BootstrapDiscovery([parsePeerAddress(`${address}/p2p/${to.id}`)]),
    wanted: () => from.exchange.unoffered(),
    connect: (peer, options) => from.network.connect(peer, options),
    clock: new SystemClock(),
    log: from.repo.parts.log,
  })
  finder.start()
  ends.push(() => finder.stop())
}

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function fetchAll(to: NetworkNode, { treeCid, leafCount }: TestDataset, stallSeconds = 45): Promise<unknown> {
  const sink = storeLeaves(to.repo, treeCid, leafCount)
  return fetchLeaves(to.exchange, { treeCid, leafCount, indices: range(leafCount), sink, signal: NEVER, stallSeconds })
}

async function expectOnlyRight(
  to: NetworkNode,
  { treeCid, leafCount, bytes }: TestDataset,
  whole: boolean,
): Promise<void> {
  const blocks = await to.repo.getAt(treeCid, range(leafCount))
  for (const [i, block] of blocks.entries()) {
    if (block === undefined && !whole) continue
    const expected = bytes.subarray(i * TEST_BLOCK_BYTES, (i + 1) * TEST_BLOCK_BYTES)
    expect(String(blockCid(block ?? new Uint8Array(1)))).toBe(String(blockCid(expected)))
  }
}

describe('a fetch through a bad network', () => {
  it('ends right wherever the connection is cut (T36)', async () => {
    const cases = CLASSES_OF_CUTS.map(async (cutAfterBytes) => {
      const [a, b] = [await node(), await node()]
      const dataset = await giveDataset(a as never, BLOCKS, 1)
      const proxy = await proxyTo(a, { cutAfterBytes })
      keepConnecting(b, a, proxy)
      const fetching = fetchAll(b, dataset)
      await expect.poll(() => proxy.connections).toBeGreaterThan(0)
      proxy.faults = {}
      await fetching
      expect(proxy.connections).toBeGreaterThan(1)
      await expectOnlyRight(b, dataset, true)
    })
    await Promise.all(cases)
  })

  it('ends right when a piece on the way is lost: the encryption notices, and the connection is made anew', async () => {
    const [a, b] = [await node(), await node()]
    const dataset = await giveDataset(a as never, BLOCKS, 2)
    const proxy = await proxyTo(a, { dropAfterBytes: 60_000 })
    keepConnecting(b, a, proxy)
    const fetching = fetchAll(b, dataset)
    await expect.poll(() => proxy.connections).toBeGreaterThan(0)
    proxy.faults = {}
    await fetching
    await expectOnlyRight(b, dataset, true)
  })

  it('ends right when everything is late', async () => {
    const [a, b] = [await node(), await node()]
    const dataset = await giveDataset(a as never, BLOCKS, 3)
    const proxy = await proxyTo(a, { delayMs: 100 })
    keepConnecting(b, a, proxy)
    await fetchAll(b, dataset)
    await expectOnlyRight(b, dataset, true)
  })

  it('ends right when what one peer says first arrives after what the other says later, again and again', async () => {
    const [a, b, other] = [await node(), await node(), await node()]
    // Neither has it all, so that both must be heard.
    const bytes = seededBytes(200 * TEST_BLOCK_BYTES, 5)
    const dataset = await giveContent(a as never, bytes, (index) => index < 150)
    await giveContent(other as never, bytes, (index) => index >= 50)
    const proxies = [await proxyTo(a, {}), await proxyTo(other, {})] as const
    for (const [i, { id }] of [a, other].entries())
      await b.network.connect({ peerId: id, addresses: [`/ip4/127.0.0.1/tcp/${proxies[i]?.port}`] }, { signal: NEVER })
    await expect.poll(() => b.exchange.peers().length).toBe(2)
    let isOver = false
    // Both at first, so that neither peer can have said everything before it was held back.
    for (const proxy of proxies) proxy.hold()
    const fetching = fetchAll(b, dataset).finally(() => {
      isOver = true
    })
    await expect.poll(() => proxies.map(({ heldPieces }) => heldPieces > 0)).toEqual([true, true])
    for (let turn = 0; !isOver; turn++) {
      proxies[turn % 2]?.hold()
      proxies[(turn + 1) % 2]?.letGo()
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    await fetching
    for (const proxy of proxies) proxy.letGo()
    expect(b.exchange.peers().map(({ receivedBytes }) => receivedBytes > 0)).toEqual([true, true])
    await expectOnlyRight(b, dataset, true)
  })

  it('fails with a typed error when the line goes dead and nothing else is there, and goes on from another peer', async () => {
    const [a, b, other] = [await node(), await node(), await node()]
    const dataset = await giveDataset(a as never, BLOCKS, 4)
    await giveDataset(other as never, BLOCKS, 4)
    const proxy = await proxyTo(a, { stallAfterBytes: 80_000 })
    keepConnecting(b, a, proxy)
    await expect(fetchAll(b, dataset, 5)).rejects.toMatchObject({ code: 'exchange/stalled' })
    await expectOnlyRight(b, dataset, false)
    const fetching = fetchAll(b, dataset)
    await connect(b, other)
    await fetching
    await expectOnlyRight(b, dataset, true)
  })
})

describe('a connection that is cut', () => {
  /** How much of a message with blocks still goes out, its length prefix of three bytes included. */
  const places: readonly (readonly [string, (frameBytes: number) => number])[] = [
    ['before the length prefix', () => 0],
    ['inside the length prefix', () => 1],
    ['behind the length prefix', () => 3],
    ['inside a message', (frameBytes) => Math.floor(frameBytes / 2)],
    ['before the last byte of a message', (frameBytes) => frameBytes - 1],
    ['between two messages', (frameBytes) => frameBytes],
  ]

  it.each(places)('%s leaves a fetch that ends right', async (_, passes) => {
    const [a, b] = [await node(), await node()]
    const dataset = await giveDataset(a, 100, 7)
    const cuts = cutOnce(a, passes)
    keepConnecting(b, a)
    await fetchAll(b, dataset)
    expect(cuts()).toBe(1)
    expect(b.exchange.isBarred(a.id)).toBe(false)
    await expectOnlyRight(b, dataset, true)
  })

  /** Cuts the connection in the second message with blocks that the node sends. @returns how often it has */
  function cutOnce(from: NetworkNode, passes: (frameBytes: number) => number): () => number {
    let messages = 0
    let cuts = 0
    const known = new WeakSet<Connection>()
    const getConnections = from.libp2p.getConnections.bind(from.libp2p)
    const meddle = (connection: Connection): void => {
      if (known.has(connection)) return
      known.add(connection)
      const newStream = connection.newStream.bind(connection)
      connection.newStream = async (...args) => {
        const stream = await newStream(...args)
        const send = stream.send.bind(stream)
        let isCut = false
        stream.send = (data) => {
          if (isCut) return true
          if (data.byteLength < 10_000 || cuts > 0 || ++messages < 2) return send(data)
          isCut = true
          cuts++
          const left = data.subarray(0, passes(data.byteLength))
          if (left.length > 0) send(left)
          // What was sent must have left by then.
          setTimeout(() => connection.abort(new Error('cut')), 50)
          return true
        }
        return stream
      }
    }
    from.libp2p.getConnections = (peer) => {
      const connections = getConnections(peer)
      connections.forEach(meddle)
      return connections
    }
    return () => cuts
  }
})

describe('peers that share', () => {
  it('what one fetch wants, each of them later than the other, all serve it, and nobody is thrown out', async () => {
    const sources = [await node(), await node(), await node()]
    const b = await node()
    const datasets = await Promise.all(sources.map((source) => giveDataset(source, BLOCKS, 8)))
    const proxies = [
      await proxyTo(sources[0] as NetworkNode, { delayMs: 5 }),
      // What was asked of it first comes last, part of it over a connection that is no more.
      await proxyTo(sources[1] as NetworkNode, { delayMs: 400, cutAfterBytes: 60_000 }),
      await proxyTo(sources[2] as NetworkNode, { delayMs: 100 }),
    ]
    const [dataset] = datasets as [TestDataset]
    for (const [i, source] of sources.entries()) keepConnecting(b, source, proxies[i])
    await fetchAll(b, dataset)
    for (const source of sources) expect(b.exchange.isBarred(source.id)).toBe(false)
    expect((await b.repo.space()).totalBlocks).toBe(BLOCKS)
    await expectOnlyRight(b, dataset, true)
  })

  it('blocks between two slots: both come over a line that is cut, and either stays when the other goes', async () => {
    const [a, b] = [await node(), await node()]
    const one = await giveDataset(a, 200, 9)
    const shared = one.bytes.subarray(0, 100 * TEST_BLOCK_BYTES)
    const two = await giveContent(a, concatBytes(shared, (await giveDataset(a, 100, 10)).bytes, shared))
    const proxy = await proxyTo(a, { cutAfterBytes: 90_000 })
    keepConnecting(b, a, proxy)
    const fetching = Promise.all([fetchAll(b, one), fetchAll(b, two)])
    await expect.poll(() => proxy.connections).toBeGreaterThan(0)
    proxy.faults = {}
    await fetching
    expect((await b.repo.space()).totalBlocks).toBe(300)
    await b.repo.dropLeaves(one.treeCid, range(one.leafCount))
    await expectOnlyRight(b, two, true)
    expect((await b.repo.recount({ signal: NEVER })).problems).toEqual([])
  })
})

describe('a peer that attacks on the wire is thrown out:', () => {
  const WANTED = blockCid(new Uint8Array(1))
  const want = encodeMessage({ wants: [{ cid: WANTED, wantType: 1 }] })
  const framed = (message: Uint8Array): Uint8Array => concatBytes(framePrefix(message.length), message)
  /** With what it is refused. */
  const attacks: readonly (readonly [string, string, (stream: Stream) => unknown])[] = [
    ['with a length of 100 MiB', 'exchange/message-too-long', (stream) => stream.send(framePrefix(100 * 1024 * 1024))],
    [
      'with a length that is no number',
      'exchange/not-canonical',
      (stream) => stream.send(new Uint8Array(11).fill(0xff)),
    ],
    [
      'with a length in more bytes than needed',
      'exchange/not-canonical',
      (stream) => stream.send(Uint8Array.of(0x80, 0x00)),
    ],
    [
      'with half a million wants in one message',
      'exchange/too-many-fields',
      (stream) => {
        // Each of two bytes, the address that it lacks not counted.
        const list = new Uint8Array(1_000_000).map((_, i) => (i % 2 === 0 ? 0x0a : 0))
        stream.send(framed(new WireWriter().bytes(1, list).finish()))
      },
    ],
    [
      'with half a million presences in one message',
      'exchange/too-many-fields',
      (stream) => stream.send(framed(new Uint8Array(1_000_000).map((_, i) => (i % 2 === 0 ? 0x22 : 0)))),
    ],
    [
      'with deep nesting of nothing',
      'exchange/cid-missing',
      (stream) => stream.send(framed(Uint8Array.of(0x0a, 0x04, 0x0a, 0x02, 0x0a, 0x00))),
    ],
    [
      'with blocks nobody wants',
      'exchange/unsolicited',
      (stream) => {
        for (let i = 0; i < 10; i++) {
          const data = new Uint8Array(100).fill(i)
          stream.send(framed(encodeMessage({ deliveries: [{ cid: blockCid(data), data }] })))
        }
      },
    ],
  ]
  it.each(attacks)('%s, and the log says %s', async (_, code, attack) => {
    const [attacker, b] = [await node(), await node()]
    await connect(attacker, b)
    const stream = await attacker.libp2p.getConnections()[0]?.newStream(BLOCK_EXCHANGE_PROTOCOL)
    if (stream === undefined) throw new Error('no stream')
    attack(stream)
    await expect.poll(() => b.exchange.isBarred(attacker.id)).toBe(true)
    await expect.poll(() => b.network.connections()).toEqual([])
    const refusal = b.logged.find(({ message }) => message === 'threw a peer out')
    expect(refusal?.fields).toMatchObject({ error: { code } })
    expect((await b.repo.space()).totalBlocks).toBe(0)
  })

  it('not for many streams: those too many are refused, the rest works', async () => {
    const [attacker, b] = [await node(), await node()]
    const dataset = await giveDataset(b as never, 20, 5)
    await connect(attacker, b)
    const [connection] = attacker.libp2p.getConnections()
    if (connection === undefined) throw new Error('no connection')
    // Earlier they would end the connection.
    await expect.poll(() => b.exchange.peers()).toHaveLength(1)
    const open = (): Promise<Stream> => connection.newStream(BLOCK_EXCHANGE_PROTOCOL, { maxOutboundStreams: 100 })
    const streams = await Promise.allSettled(range(30).map(open))
    for (const stream of streams)
      if (stream.status === 'fulfilled' && stream.value.status === 'open') stream.value.send(framed(want))
    expect(
      b.libp2p.getConnections()[0]?.streams.filter(({ protocol }) => protocol === BLOCK_EXCHANGE_PROTOCOL).length,
    ).toBeLessThanOrEqual(5)
    const third = await node()
    await connect(third, b)
    await fetchAll(third, dataset)
  })

  it('not for a storm of wants and cancels; others are served meanwhile, and no more of it is remembered than may be', async () => {
    const looked = new Set<string>()
    const [attacker, honest] = [await node(), await node()]
    const b = await networkNode({
      seen(repo) {
        const hasMany = repo.hasMany.bind(repo)
        return Object.assign(repo, {
          hasMany(cids: readonly Cid[]) {
            for (const { key } of cids) looked.add(key)
            return hasMany(cids)
          },
        })
      },
    })
    ends.push(() => b.stop())
    const dataset = await giveDataset(b as never, 200, 6)
    await connect(attacker, b)
    const stream = await attacker.libp2p.getConnections()[0]?.newStream(BLOCK_EXCHANGE_PROTOCOL)
    const nobodys = treeCid(new Uint8Array(32).fill(5))
    // More than may be said in one go, of ever other blocks; of those of each message every other is taken back in the next.
    for (let i = 0; i < 80; i++) {
      const wants = range(1000).map((at) => ({
        treeCid: nobodys,
        index: (at % 2 === 0 && i % 2 === 1 ? i - 1 : i) * 1000 + at,
        wantType: 0 as const,
        cancel: at % 2 === 0 && i % 2 === 1,
      }))
      stream?.send(framed(encodeMessage({ wants })))
    }
    // Looked up when all before it was heard.
    stream?.send(framed(want))
    await connect(honest, b)
    await fetchAll(honest, dataset)
    await expect.poll(() => looked.has(WANTED.key)).toBe(true)
    const { wanted = 0 } = b.exchange.peers().find(({ peerId }) => peerId === attacker.id) ?? {}
    expect(wanted).toBeGreaterThan(3000)
    expect(wanted).toBeLessThanOrEqual(MAX_WANTED_BY_PEER)
  })
})
