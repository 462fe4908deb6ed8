// Peers on real connections that serve lies, or keep this node's memory and time for nothing.

import { fork } from 'node:child_process'
import { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, it } from 'vitest'

import { MESSAGE_SECONDS } from '../../src/exchange/blockexchange.ts'
import type { WantInput } from '../../src/exchange/encodemessage.ts'
import { encodeMessage } from '../../src/exchange/encodemessage.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { framePrefix } from '../../src/exchange/framereader.ts'
import { identityOf } from '../../src/exchange/identity.ts'
import { BLOCK_EXCHANGE_PROTOCOL, MAX_WANTS } from '../../src/exchange/message.ts'
import { openLibp2p } from '../../src/exchange/openlibp2p.ts'
import { ENTRIES_IN_BURST } from '../../src/exchange/peerlimits.ts'
import { MAX_WANTED_BY_PEER } from '../../src/exchange/responder.ts'
import { storeLeaves } from '../../src/exchange/storeleaves.ts'
import { concatBytes } from '../../src/lib/bytes.ts'
import { ManualClock } from '../../src/lib/manualclock.ts'
import type { Clock } from '../../src/lib/clock.ts'
import { SystemClock } from '../../src/lib/systemclock.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { nodeTransports } from '../../src/platform/nodejs/nodetransports.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import { WireWriter } from '../../src/protocol/wire.ts'
import type { RepoStore } from '../../src/storage/repostore.ts'
import { bundleChild } from '../children.ts'
import type { WantedFromSays } from '../children/wantedfrom.ts'
import type { TestDataset } from '../fakes/exchangepeers.ts'
import { giveDataset, range, TEST_BLOCK_BYTES } from '../fakes/exchangepeers.ts'
import { faultyProxy } from '../fakes/faultyproxy.ts'
import { NEVER } from '../fakes/memorystore.ts'
import type { NetworkNode } from '../fakes/networknodes.ts'
import { connect } from '../fakes/networknodes.ts'
import { endingsAfterEach } from './endings.ts'

const NOBODYS = treeCid(new Uint8Array(32).fill(5))

const { ends, node } = endingsAfterEach()

function fetchAll(to: NetworkNode, { treeCid, leafCount }: TestDataset): Promise<unknown> {
  const sink = storeLeaves(to.repo, treeCid, leafCount)
  const indices = range(leafCount)
  const blockSize = TEST_BLOCK_BYTES
  return fetchLeaves(to.exchange, { treeCid, leafCount, indices, sink, blockSize, signal: NEVER, stallSeconds: 60 })
}

/** The store, but for what it says of some things. */
function lying(repo: RepoStore, lies: Partial<RepoStore>): RepoStore {
  return new Proxy(repo, {
    get(target, name) {
      const value: unknown = Reflect.get(name in lies ? lies : target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

describe('a peer that serves', () => {
  const lies: readonly (readonly [string, (repo: RepoStore) => Partial<RepoStore>])[] = [
    [
      'other data under the right names',
      (repo) => ({
        getMany: async (cids) => (await repo.getMany(cids)).map((block) => block?.toReversed()),
      }),
    ],
    [
      'another block at each place',
      (repo) => ({
        getPlaced: async (tree, indices) => {
          const others = await repo.getPlaced(
            tree,
            indices.map((index) => (index + 1) % 60),
          )
          const right = await repo.getPlaced(tree, indices)
          return right.map((leaf, i) => leaf && { ...leaf, cid: others[i]?.cid ?? leaf.cid })
        },
      }),
    ],
    [
      'the right blocks with a node of each proof changed',
      (repo) => ({
        getPlaced: async (tree, indices) =>
          (await repo.getPlaced(tree, indices)).map(
            (leaf) =>
              leaf?.proof && {
                ...leaf,
                proof: { ...leaf.proof, path: leaf.proof.path.with(-1, new Uint8Array(32).fill(9)) },
              },
          ),
      }),
    ],
    [
      'the right blocks with the proofs of their neighbours',
      (repo) => ({
        getPlaced: async (tree, indices) => {
          const beside = await repo.getPlaced(
            tree,
            indices.map((index) => index ^ 1),
          )
          const right = await repo.getPlaced(tree, indices)
          return right.map((leaf, i) => leaf && { ...leaf, proof: beside[i]?.proof })
        },
      }),
    ],
  ]

  it.each(lies)('%s is thrown out; none of it is stored, and another serves the rest', async (_, lie) => {
    const [liar, honest, b] = [await node({ seen: (repo) => lying(repo, lie(repo)) }), await node(), await node()]
    const dataset = await giveDataset(liar as never, 60, 1)
    await giveDataset(honest as never, 60, 1)
    await connect(b, liar)
    const fetching = fetchAll(b, dataset)
    await expect.poll(() => b.exchange.isBarred(liar.id)).toBe(true)
    expect((await b.repo.space()).totalBlocks).toBe(0)
    await expect.poll(() => b.network.connections()).toEqual([])
    await connect(b, honest)
    await fetching
    const blocks = await b.repo.getAt(dataset.treeCid, range(60))
    for (const [i, block] of blocks.entries())
      expect(block).toEqual(dataset.bytes.subarray(i * TEST_BLOCK_BYTES, (i + 1) * TEST_BLOCK_BYTES))
  })
})

/** The machine's time, and as much more as somebody says; time that runs many times as fast from some moment on. */
class AheadClock implements Clock {
  readonly #clock = new SystemClock()
  #hurriesSinceMs: number | undefined
  aheadSeconds = 0

  hurry(): void {
    this.#hurriesSinceMs = performance.now()
  }

  now(): number {
    const hurriedMs = this.#hurriesSinceMs === undefined ? 0 : performance.now() - this.#hurriesSinceMs
    return this.#clock.now() + this.aheadSeconds + Math.floor((hurriedMs * HURRY) / 1000)
  }

  async until(time: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (this.now() < time) {
      signal.throwIfAborted()
      await sleep(10)
    }
  }
}

/** Of how many seconds one is made; a tick may be late by a few of them. */
const HURRY = 30

describe('a peer that', () => {
  it('never ends a message it began, however it trickles, is thrown out', async () => {
    const clock = new AheadClock()
    const [attacker, b] = [await node(), await node({ clock })]
    await connect(attacker, b)
    const begun = clock.now()
    const stream = await attacker.libp2p.getConnections()[0]?.newStream(BLOCK_EXCHANGE_PROTOCOL)
    stream?.send(concatBytes(framePrefix(1000), new Uint8Array(10)))
    await sleep(300)
    expect(b.exchange.isBarred(attacker.id)).toBe(false)
    // The machine slept: nothing could come meanwhile.
    clock.aheadSeconds = 3600
    await sleep(2500)
    expect(b.exchange.isBarred(attacker.id)).toBe(false)
    clock.hurry()
    await expect.poll(() => clock.now(), { timeout: 20_000 }).toBeGreaterThan(begun + 3600 + MESSAGE_SECONDS / 2)
    if (stream?.status === 'open') stream.send(new Uint8Array(1))
    await expect.poll(() => b.exchange.isBarred(attacker.id), { timeout: 20_000 }).toBe(true)
    await expect.poll(() => b.network.connections()).toEqual([])
  })

  it('asks for much and takes none of it is thrown out, and its wants are forgotten', async () => {
    const clock = new AheadClock()
    const b = await node({ clock })
    // More than a stream may carry before anything of it is taken.
    const { treeCid: tree } = await giveDataset(b as never, 1000, 2)
    const port = Number(/\/tcp\/(\d+)/.exec(b.network.addresses()[0] ?? '')?.[1])
    const proxy = await faultyProxy(port, { stallAfterBytes: 100_000 })
    ends.push(() => proxy.close())
    const identity = identityOf(webcrypto.getRandomValues(new Uint8Array(32)))
    const attacker = await openLibp2p({ identity, listen: [], isBarred: () => false }, await nodeTransports())
    await attacker.handle(BLOCK_EXCHANGE_PROTOCOL, () => undefined)
    await attacker.start()
    ends.push(async () => attacker.stop())
    const connection = await attacker.dial(multiaddr(`/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${b.id}`))
    const stream = await connection.newStream(BLOCK_EXCHANGE_PROTOCOL)
    const wants = range(1000).map((index) => ({ treeCid: tree, index, wantType: 0 as const }))
    const message = encodeMessage({ wants })
    stream.send(concatBytes(framePrefix(message.length), message))
    await expect.poll(() => b.exchange.peers()[0]?.sentBytes ?? 0).toBeGreaterThan(0)
    expect(b.exchange.peers()[0]?.wanted ?? 0).toBeGreaterThan(0)
    // Once a second it is looked who does not take what is sent.
    await sleep(1500)
    clock.hurry()
    await expect.poll(() => b.exchange.isBarred(identity.peerId), { timeout: 20_000 }).toBe(true)
    expect(b.exchange.peers()).toEqual([])
  })

  it('wants more blocks than are remembered for one peer has the first few thousand of them remembered', async () => {
    let looks = 0
    const counting = (repo: RepoStore): Partial<RepoStore> => ({
      hasMany: async (cids) => {
        looks++
        return repo.hasMany(cids)
      },
    })
    const [attacker, b] = [await node(), await node({ seen: (repo) => lying(repo, counting(repo)) })]
    await connect(attacker, b)
    const stream = await attacker.libp2p.getConnections()[0]?.newStream(BLOCK_EXCHANGE_PROTOCOL)
    const say = (wants: WantInput[]): void => {
      const message = encodeMessage({ wants })
      stream?.send(concatBytes(framePrefix(message.length), message))
    }
    for (let sent = 0; sent < 8; sent++)
      say(range(2000).map((i) => ({ treeCid: NOBODYS, index: sent * 2000 + i, wantType: 0 })))
    // Looked up when all before it was heard.
    say([{ treeCid: NOBODYS, index: 0, wantType: 1 }])
    await expect.poll(() => looks).toBe(1)
    expect(b.exchange.peers()[0]?.wanted).toBe(MAX_WANTED_BY_PEER)
  })

  it('says more in a second than may be heard is made to wait, holds no more than it may, and is heard in the end', async () => {
    let looks = 0
    const counting = (repo: RepoStore): Partial<RepoStore> => ({
      hasMany: async (cids) => {
        looks++
        return repo.hasMany(cids)
      },
    })
    const clock = new ManualClock(1000)
    const [attacker, b] = [await node(), await node({ clock, seen: (repo) => lying(repo, counting(repo)) })]
    await connect(attacker, b)
    const connection = attacker.libp2p.getConnections()[0]
    const stream = await connection?.newStream(BLOCK_EXCHANGE_PROTOCOL)
    const say = (wants: WantInput[]): void => {
      const message = encodeMessage({ wants })
      stream?.send(concatBytes(framePrefix(message.length), message))
    }
    const wants = range(MAX_WANTS).map((index) => ({ treeCid: NOBODYS, index, wantType: 0 as const }))
    for (let said = 0; said <= ENTRIES_IN_BURST; said += MAX_WANTS) say(wants)
    // More bytes than are buffered for a stream that waits, in however many windows; what they say is known to nobody.
    const padded = concatBytes(encodeMessage({}), new WireWriter().bytes(15, new Uint8Array(900 * KiB)).finish())
    for (let sent = 0; sent < 12; sent++) stream?.send(concatBytes(framePrefix(padded.length), padded))
    say([{ treeCid: NOBODYS, index: 0, wantType: 1 }])
    const { muxer } = connection as unknown as { muxer: { ping(): Promise<number> } }
    let held = -1
    await expect
      .poll(async () => {
        const before = held
        await muxer.ping()
        held = stream?.writeBufferLength ?? 0
        return held === before
      })
      .toBe(true)
    expect(held).toBeGreaterThan(MiB)
    expect(stream?.status).toBe('open')
    expect(looks).toBe(0)
    await expect
      .poll(async () => {
        await clock.play(1)
        await muxer.ping()
        return looks
      })
      .toBe(1)
    expect(b.exchange.isBarred(attacker.id)).toBe(false)
  })

  it.runIf(import.meta.env['LONG'])(
    'wants a million blocks as fast as it is let, takes many back and opens ever more streams costs a node little memory and time, and others are served meanwhile',
    async () => {
      const child = fork(fileURLToPath(await bundleChild('wantedfrom')), { execArgv: [] })
      ends.push(async () => void child.kill('SIGKILL'))
      const look = async (): Promise<WantedFromSays> => {
        const said = once(child, 'message')
        child.send('look')
        return (await said)[0] as WantedFromSays
      }
      const [begun] = (await once(child, 'message')) as [WantedFromSays]
      const honest = await node({ listen: [] })
      await honest.network.connect(begun, { signal: NEVER })
      const tree = parseCid(begun.treeCid)
      const identity = identityOf(webcrypto.getRandomValues(new Uint8Array(32)))
      const attacker = await openLibp2p({ identity, listen: [], isBarred: () => false }, await nodeTransports())
      // It takes what it is sent, and looks at none of it.
      await attacker.handle(BLOCK_EXCHANGE_PROTOCOL, (stream) => stream.addEventListener('message', () => undefined))
      await attacker.start()
      ends.push(async () => attacker.stop())
      const connection = await attacker.dial(multiaddr(`${begun.addresses[0]}/p2p/${begun.peerId}`))
      const stream = await connection.newStream(BLOCK_EXCHANGE_PROTOCOL)
      let residentBytes = begun.residentBytes
      let sent = 0
      for (; sent < 500 && stream.status === 'open'; sent++) {
        // Of a tree that is here and of one that is not, to be answered and to be sent, some again and again.
        const wants = range(2000).map((i) => ({
          treeCid: sent % 2 === 0 ? NOBODYS : tree,
          index: sent % 4 < 2 ? sent * 2000 + i : i,
          wantType: sent % 3 === 0 ? (0 as const) : (1 as const),
          sendDontHave: true,
          cancel: sent % 5 === 4,
        }))
        const message = encodeMessage({ wants })
        if (!stream.send(concatBytes(framePrefix(message.length), message)) && stream.writableNeedsDrain)
          await Promise.race([once(stream as never, 'drain'), once(stream as never, 'close')])
        // Of no protocol; more at once the attacker's own library does not open.
        if (sent % 10 === 5) await Promise.allSettled(range(40).map(() => connection.newStream('/nobody/speaks/this')))
        if (sent % 100 !== 50) continue
        const dataset = { treeCid: tree, leafCount: begun.leafCount } as TestDataset
        await fetchAll(honest, dataset)
        await honest.repo.dropLeaves(tree, range(begun.leafCount))
        residentBytes = Math.max(residentBytes, (await look()).residentBytes)
      }
      const end = await look()
      residentBytes = Math.max(residentBytes, end.residentBytes)
      const grown = (residentBytes - begun.residentBytes) / 2 ** 20
      console.info(
        `${sent * 2000} wants: ${grown.toFixed(0)} MiB more, event-loop delay p99 ${end.delayMs.toFixed(1)} ms, at worst ${end.worstDelayMs.toFixed(0)} ms`,
      )
      // It is made to wait, and not thrown out: all of it was heard.
      expect(stream.status).toBe('open')
      expect(sent).toBe(500)
      expect(end.wanted).toBeLessThanOrEqual(4096)
      // What lives of it is 30 MiB in the end, of which 16 are no more than a floor; the rest is what its collector lets lie.
      expect(grown).toBeLessThan(200)
      // Processor time, of its collector's threads too.
      expect(end.delayMs).toBeLessThan(50)
    },
  )
})
