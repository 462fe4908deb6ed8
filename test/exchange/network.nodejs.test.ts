// Real connections on loopback: TCP and WebSocket, Noise, the muxer that both like better and the one of the network's nodes.

import { afterEach, describe, expect, it } from 'vitest'
import { fetchBlock } from '../../src/exchange/fetchblock.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { loadIdentity } from '../../src/exchange/identity.ts'
import { parsePeerAddress, parsePeerAddresses } from '../../src/exchange/peeraddress.ts'
import { PeerFinder } from '../../src/exchange/peerfinder.ts'
import { BLOCK_EXCHANGE_PROTOCOL } from '../../src/exchange/message.ts'
import { BootstrapDiscovery } from '../../src/exchange/bootstrapdiscovery.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { decodeSpr, encodeSpr } from '../../src/exchange/spr.ts'
import { FORGET_SECONDS } from '../../src/exchange/network.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { BLOCK_SIZE } from '../../src/protocol/block.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import type { TestDataset } from '../fakes/exchangepeers.ts'
import { giveDataset, range } from '../fakes/exchangepeers.ts'
import { NEVER, seededBytes, streamOf } from '../fakes/memorystore.ts'
import type { NetworkNode, NetworkNodeOptions } from '../fakes/networknodes.ts'
import { connect, networkNode } from '../fakes/networknodes.ts'
import sprs from '../vectors/spr.json' with { type: 'json' }

const nodes: NetworkNode[] = []

async function node(options?: NetworkNodeOptions): Promise<NetworkNode> {
  const made = await networkNode(options)
  nodes.push(made)
  return made
}

afterEach(async () => {
  await Promise.all(nodes.map((each) => each.stop()))
  nodes.length = 0
})

/** A dataset of blocks of the network's size. */
async function giveBlocks(to: NetworkNode, count: number, seed: number): Promise<TestDataset> {
  const bytes = seededBytes(count * BLOCK_SIZE, seed)
  const { cid, manifest } = await to.datasets.upload(streamOf(bytes), { signal: NEVER })
  return { manifest: cid, treeCid: manifest.treeCid, leafCount: count, bytes }
}

async function fetchAll(to: NetworkNode, { treeCid, leafCount }: TestDataset): Promise<void> {
  const sink = storeLeaves(to.repo, treeCid, leafCount)
  await fetchLeaves(to.exchange, {
    treeCid,
    leafCount,
    indices: range(leafCount),
    sink,
    signal: NEVER,
    stallSeconds: 20,
  })
  expect((await to.repo.getAt(treeCid, range(leafCount))).every((block) => block !== undefined)).toBe(true)
}

describe('two nodes', () => {
  it.each(['/ip4/127.0.0.1/tcp/0', '/ip4/127.0.0.1/tcp/0/ws'])(
    'exchange a dataset over %s, both ways',
    async (listen) => {
      const [a, b] = [await node({ listen: [listen] }), await node({ listen: [] })]
      const [one, two] = [await giveDataset(a as never, 500, 1), await giveDataset(b as never, 300, 2)]
      await connect(b, a)
      await Promise.all([fetchAll(b, one), fetchAll(a, two)])
      expect(a.exchange.peers().map(({ peerId }) => peerId)).toEqual([b.id])
      expect(await fetchBlock(b.exchange, one.manifest, { signal: NEVER })).toMatchObject({ cid: one.manifest })
    },
  )

  it("exchange a dataset over mplex, which the network's nodes have alone, both ways", async () => {
    const [a, b] = [await node({ muxers: ['mplex'] }), await node({ listen: [] })]
    // Blocks of the usual size, so that frames of a megabyte are filled.
    const [one, two] = [await giveBlocks(a, 96, 1), await giveBlocks(b, 64, 2)]
    await connect(b, a)
    expect(b.libp2p.getConnections().map(({ multiplexer }) => multiplexer)).toEqual(['/mplex/6.7.0'])
    await Promise.all([fetchAll(b, one), fetchAll(a, two)])
    for (const [to, from, { treeCid, leafCount }] of [[b, a, one] as const, [a, b, two] as const]) {
      const expected = await from.repo.getAt(treeCid, range(leafCount))
      for (const [i, block] of (await to.repo.getAt(treeCid, range(leafCount))).entries())
        expect(Buffer.compare(block ?? new Uint8Array(0), expected[i] ?? new Uint8Array(1))).toBe(0)
    }
  })

  it('are forgotten when they have gone', async () => {
    const [a, b] = [await node(), await node()]
    await connect(a, b)
    await expect.poll(async () => (await b.libp2p.peerStore.all()).length).toBe(1)
    await a.stop()
    await expect.poll(async () => b.libp2p.peerStore.all()).toEqual([])
  })

  it('are forgotten also when they were noted after they had gone', async () => {
    const clock = new ManualClock(1_700_000_000)
    const [a, b, c] = [await node({ clock }), await node(), await node()]
    await connect(a, b)
    await expect.poll(async () => (await a.libp2p.peerStore.all()).length).toBe(1)
    const identified = { agentVersion: 'gone', connection: undefined as never, protocols: [], listenAddrs: [] }
    await a.libp2p.peerStore.merge(c.libp2p.peerId, { metadata: { AgentVersion: new Uint8Array([1]) } })
    for (const { peerId } of [c.libp2p, b.libp2p])
      a.libp2p.dispatchEvent(new CustomEvent('peer:identify', { detail: { ...identified, peerId } }))
    const known = async (): Promise<string[]> => (await a.libp2p.peerStore.all()).map(({ id }) => id.toString())
    await expect.poll(known).toEqual([b.id])
    // Of one whose record came when the library had told of it.
    await a.libp2p.peerStore.merge(c.libp2p.peerId, { metadata: { AgentVersion: new Uint8Array([1]) } })
    await clock.play(FORGET_SECONDS - 1)
    expect(await known()).toHaveLength(2)
    await clock.play(1)
    await expect.poll(known).toEqual([b.id])
    await a.stop()
    expect(clock.waiting).toBe(0)
  })

  it('keep one connection, whoever dials, how often and at the same time', async () => {
    const [a, b] = [await node(), await node()]
    await Promise.all([connect(a, b), connect(b, a), connect(a, b)])
    await connect(b, a)
    await expect.poll(() => [a.network.connections().length, b.network.connections().length]).toEqual([1, 1])
    const dataset = await giveDataset(a as never, 20, 3)
    await fetchAll(b, dataset)
  })

  it('find each other again after one of them was away', async () => {
    const a = await node()
    const datastore = new MemoryDatastore()
    const first = await node({ datastore })
    await connect(a, first)
    const dataset = await giveDataset(a as never, 50, 4)
    await fetchAll(first, dataset)
    await first.stop()
    await expect.poll(() => a.exchange.peers()).toEqual([])
    const again = await node({ datastore })
    expect(again.id).toBe(first.id)
    await connect(again, a)
    await fetchAll(again, await giveDataset(a as never, 60, 5))
  })

  it('are known by signed records', async () => {
    const [a, b] = [await node(), await node()]
    const spr = a.network.spr()
    expect(decodeSpr(spr)).toMatchObject({ peerId: a.id, addresses: a.network.addresses() })
    await b.network.connect(parsePeerAddress(spr), { signal: NEVER })
    expect(b.network.connections()).toMatchObject([{ peerId: a.id, direction: 'outbound' }])
  })
})

describe('connecting', () => {
  it('refuses a peer that is not who it should be', async () => {
    const [a, b, c] = [await node(), await node(), await node()]
    const wrong = { peerId: c.id, addresses: a.network.addresses() }
    await expect(b.network.connect(wrong, { signal: NEVER })).rejects.toMatchObject({ code: 'network/cannot-connect' })
    expect(b.network.connections()).toEqual([])
    expect(b.exchange.peers()).toEqual([])
  })

  it('says which addresses cannot be listened on, and leaves the advice of the library out', async () => {
    const [taken = ''] = (await node()).network.addresses()
    const failure = await networkNode({ listen: [taken] }).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'network/cannot-listen',
      message: `cannot listen for peers on ${taken}; is another program on that port?`,
      cause: expect.objectContaining({ message: expect.stringContaining('faultTolerance') as string }) as Error,
    })
    await expect(networkNode({ listen: ['/ip4/192.0.2.1/tcp/0'] })).rejects.toMatchObject({
      message: 'cannot listen for peers on /ip4/192.0.2.1/tcp/0: EADDRNOTAVAIL',
    })
  })

  it('fails with a typed error where nobody listens, and when its caller gives up', async () => {
    const b = await node()
    const nobody = { peerId: undefined, addresses: ['/ip4/127.0.0.1/tcp/1'] }
    await expect(b.network.connect(nobody, { signal: NEVER })).rejects.toMatchObject({ code: 'network/cannot-connect' })
    await expect(b.network.connect(nobody, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    )
  })

  it('is refused to a peer that was thrown out', async () => {
    const [liar, b] = [await node(), await node()]
    await connect(liar, b)
    const [connection] = liar.libp2p.getConnections()
    const stream = await connection?.newStream(BLOCK_EXCHANGE_PROTOCOL)
    stream?.send(Uint8Array.of(3, 0xff, 0xff, 0xff))
    await expect.poll(() => b.exchange.isBarred(liar.id)).toBe(true)
    await expect.poll(() => [b.network.connections(), liar.network.connections()]).toEqual([[], []])
    await connect(liar, b).catch(() => undefined)
    await expect.poll(() => liar.network.connections()).toEqual([])
    await expect(connect(b, liar)).rejects.toMatchObject({ code: 'network/cannot-connect' })
    expect(b.exchange.peers()).toEqual([])
  })
})

describe('bootstrap peers', () => {
  it('are connected to when something is wanted that nobody has, and not before', async () => {
    const [a, b] = [await node(), await node()]
    const dataset = await giveDataset(a as never, 10, 6)
    const finder = new PeerFinder({
      discovery: new BootstrapDiscovery(
        [`${a.network.addresses()[0]}/p2p/${a.id}`, encodeSpr(decodeSpr(a.network.spr()))].map(parsePeerAddress),
      ),
      wanted: () => b.exchange.unoffered(),
      connect: (peer, options) => b.network.connect(peer, options),
      clock: new SystemClock(),
      log: b.repo.parts.log,
    })
    finder.start()
    expect(b.network.connections()).toEqual([])
    await fetchAll(b, dataset)
    await finder.stop()
  })

  it('are read from multiaddrs and records, and nothing else', () => {
    expect(parsePeerAddress('/ip4/127.0.0.1/tcp/80/p2p/16Uiu2HAkxu9sgX6qpwYAWuRYQbQE45LG1gx3Dd7hA9NbZj2xV1CK')).toEqual(
      {
        peerId: '16Uiu2HAkxu9sgX6qpwYAWuRYQbQE45LG1gx3Dd7hA9NbZj2xV1CK',
        addresses: ['/ip4/127.0.0.1/tcp/80'],
      },
    )
    expect(parsePeerAddress('/ip4/127.0.0.1/tcp/80')).toEqual({
      peerId: undefined,
      addresses: ['/ip4/127.0.0.1/tcp/80'],
    })
    for (const text of [
      '',
      'a',
      '/p2p/16Uiu2HAkxu9sgX6qpwYAWuRYQbQE45LG1gx3Dd7hA9NbZj2xV1CK',
      'spr:x',
      '/ip4/1.2.3.4/x',
    ])
      expect(() => parsePeerAddresses([text], () => undefined)).toThrow(expect.objectContaining({ name: 'CodexError' }))
  })
})

describe('bootstrap peers', () => {
  const GOOD = '/ip4/127.0.0.1/tcp/80/p2p/16Uiu2HAkxu9sgX6qpwYAWuRYQbQE45LG1gx3Dd7hA9NbZj2xV1CK'
  /** Published: the hash table's records list datagram ports only. */
  const [udpOnly = ''] = sprs.cases.map(({ spr }) => spr)

  it('that only datagrams reach are passed over, each with a sentence that says what works', () => {
    const said: string[] = []
    const peers = parsePeerAddresses([udpOnly, GOOD], ({ message }) => said.push(message))
    expect(peers).toEqual([parsePeerAddress(GOOD)])
    expect(said).toEqual([expect.stringMatching(/\/ip4\/ADDRESS\/tcp\/PORT\/p2p\/16Uiu2.*debug\/info/)])
  })

  it('are refused where nothing else was named', () => {
    const parse = (texts: readonly string[]) => parsePeerAddresses(texts, () => undefined)
    expect(() => parse([udpOnly, udpOnly])).toThrow(expect.objectContaining({ code: 'peer/no-address' }))
    expect(parse([])).toEqual([])
  })
})

describe('the identity', () => {
  it('is made once and kept', async () => {
    const datastore = new MemoryDatastore()
    let seed = 0
    const random = (count: number): Uint8Array => new Uint8Array(count).fill(++seed)
    const first = await loadIdentity(datastore, random)
    expect(await loadIdentity(datastore, random)).toEqual(first)
    expect(seed).toBe(1)
    expect((await loadIdentity(new MemoryDatastore(), random)).peerId).not.toBe(first.peerId)
  })
})
