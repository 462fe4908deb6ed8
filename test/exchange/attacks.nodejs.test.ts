// What each way of attacking a node costs it, which is a process of its own: its memory stays bounded, its event loop free, and who is honest is served all the
// while. That attackers are thrown out, and what is forgotten then, hostilepeers.nodejs.test.ts says. Of the long run only.

import { fork } from 'node:child_process'
import { webcrypto } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it } from 'vitest'

import { encodeMessage } from '../../src/exchange/encodemessage.ts'
import { fetchLeaves } from '../../src/exchange/fetchleaves.ts'
import { framePrefix } from '../../src/exchange/framereader.ts'
import { identityOf } from '../../src/exchange/identity.ts'
import { BLOCK_EXCHANGE_PROTOCOL, MAX_MESSAGE_BYTES } from '../../src/exchange/message.ts'
import { openLibp2p } from '../../src/exchange/openlibp2p.ts'
import { concatBytes } from '../../src/lib/bytes.ts'
import { KiB, MiB } from '../../src/lib/units.ts'
import { nodeTransports } from '../../src/platform/nodejs/nodetransports.ts'
import { blockCid } from '../../src/protocol/block.ts'
import { parseCid } from '../../src/protocol/cid.ts'
import { treeCid } from '../../src/protocol/merkletree.ts'
import { SHA2_256 } from '../../src/protocol/multicodec.ts'
import { bundleChild } from '../children.ts'
import type { WantedFromSays } from '../children/wantedfrom.ts'
import { range, TEST_BLOCK_BYTES } from '../fakes/exchangepeers.ts'
import { NEVER } from '../fakes/memorystore.ts'
import { endingsAfterEach } from './endings.ts'

const SECONDS = 15
/** What lives of it is less: its collector lets lie the rest. */
const MAX_GROWN_BYTES = 160 * MiB
const MAX_DELAY_MS = 50
/** Streams, and what comes of a message on each: more together than may be kept of what is not complete. */
const MANY = 64
const BEGUN_BYTES = 4 * MiB
const NOBODYS = treeCid(new Uint8Array(32).fill(5))

const { ends, node } = endingsAfterEach()

/** One who attacks: under another name as soon as he is thrown out. */
interface Attacker {
  /** A stream to the node; waits until it lets him in. */
  stream(): Promise<Stream>
  /** The connection that the last stream was on. */
  readonly connection: Connection
}

/** Until the other side takes no more for now, or throws him out. */
async function say(stream: Stream, ...bytes: readonly Uint8Array[]): Promise<void> {
  if (stream.status !== 'open') return
  if (!stream.send(concatBytes(...bytes)) && stream.writableNeedsDrain)
    await Promise.race([once(stream as never, 'drain'), once(stream as never, 'close'), sleep(1000)])
}

function framed(message: Uint8Array): Uint8Array {
  return concatBytes(framePrefix(message.length), message)
}

const block = new Uint8Array(64 * KiB).fill(7)
const cid = blockCid(block)
/** Of a block that nobody asked for, at a place where it is not. */
const proof = { index: 0, leafCount: 2, hashCode: SHA2_256, path: [new Uint8Array(32).fill(9)] }

const MAX_PADDING = 900 * KiB
const padding = new Uint8Array(MAX_PADDING)

/** Each does some of its harm; it is asked again and again. */
const ATTACKS: readonly (readonly [string, (attacker: Attacker) => Promise<void>])[] = [
  [
    'tells of messages that are longer than any',
    async (attacker) => {
      const stream = await attacker.stream()
      await say(stream, framePrefix(100 * MiB), new Uint8Array(10))
      await say(await attacker.stream(), new Uint8Array(10).fill(0xff))
    },
  ],
  [
    'begins messages of all the length that is allowed, on many streams, and sends the rest drop by drop',
    async (attacker) => {
      const streams = [await attacker.stream()]
      const more = range(MANY).map(() => attacker.connection.newStream(BLOCK_EXCHANGE_PROTOCOL))
      for (const one of await Promise.allSettled(more)) if (one.status === 'fulfilled') streams.push(one.value)
      for (const stream of streams) await say(stream, framePrefix(MAX_MESSAGE_BYTES))
      for (let sent = 0; sent < BEGUN_BYTES; sent += block.length)
        for (const stream of streams) await say(stream, block)
      for (let drops = 0; drops < 20; drops++) for (const stream of streams) await say(stream, new Uint8Array(1))
    },
  ],
  [
    'sends 100 MiB in one message',
    async (attacker) => {
      const stream = await attacker.stream()
      await say(stream, framePrefix(100 * MiB))
      for (let sent = 0; sent < 100 * MiB && stream.status === 'open'; sent += block.length) await say(stream, block)
    },
  ],
  [
    'sends messages of nothing but padding, as fast as it is let',
    async (attacker) => {
      const stream = await attacker.stream()
      const message = concatBytes(encodeMessage({}), new Uint8Array([0x7a, ...varint(MAX_PADDING)]), padding)
      for (let sent = 0; sent < 20; sent++) await say(stream, framed(message))
    },
  ],
  [
    'opens ever more streams and leaves them',
    async (attacker) => {
      await attacker.stream()
      const opened = await Promise.allSettled(
        range(40).map(() => attacker.connection.newStream(BLOCK_EXCHANGE_PROTOCOL)),
      )
      for (const one of opened) if (one.status === 'fulfilled') one.value.abort(new Error('left'))
    },
  ],
  [
    'wants and takes back, again and again',
    async (attacker) => {
      const stream = await attacker.stream()
      for (const cancel of [false, true]) {
        const wants = range(2000).map((index) => ({ treeCid: NOBODYS, index, wantType: 0 as const, cancel }))
        await say(stream, framed(encodeMessage({ wants })))
      }
    },
  ],
  [
    'sends blocks that nobody asked for, with proofs that do not hold',
    async (attacker) => {
      const stream = await attacker.stream()
      const deliveries = range(12).map((index) => ({ treeCid: NOBODYS, index, cid, data: block, proof }))
      await say(stream, framed(encodeMessage({ deliveries })))
    },
  ],
  [
    'says of everything that it has it',
    async (attacker) => {
      const stream = await attacker.stream()
      const from = Math.floor(performance.now() * 1000)
      const presences = range(2000).map((i) => ({ treeCid: NOBODYS, index: from + i, type: 'have' as const, price: 0 }))
      await say(stream, framed(encodeMessage({ presences })))
    },
  ],
]

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]
}

it.runIf(import.meta.env['LONG']).each(ATTACKS)(
  'a peer that %s costs a node little memory and time, and others are served meanwhile',
  async (what, attack) => {
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
    const leafCount = begun.leafCount
    const fetched = async (): Promise<void> => {
      await fetchLeaves(honest.exchange, {
        ...{ treeCid: tree, leafCount, indices: range(leafCount), blockSize: TEST_BLOCK_BYTES },
        ...{ sink: async () => undefined, signal: NEVER, stallSeconds: 60 },
      })
    }
    const attacker = attackerOf(`${begun.addresses[0]}/p2p/${begun.peerId}`)
    ends.push(() => attacker.end())
    let residentBytes = begun.residentBytes
    let rounds = 0
    const ending = performance.now() + SECONDS * 1000
    while (performance.now() < ending) {
      await Promise.all([attack(attacker).catch(() => undefined), rounds % 4 === 0 ? fetched() : undefined])
      residentBytes = Math.max(residentBytes, (await look()).residentBytes)
      rounds++
    }
    const end = await look()
    const grown = residentBytes - begun.residentBytes
    console.info(
      `${what}: ${rounds} rounds, ${attacker.names} names, ${Math.round(grown / MiB)} MiB more, event-loop delay p99 ${end.delayMs.toFixed(1)} ms of processor time, ${end.wallDelayMs.toFixed(1)} ms in all`,
    )
    expect(rounds).toBeGreaterThan(1)
    expect(grown).toBeLessThan(MAX_GROWN_BYTES)
    // Processor time: by the other figure it is late for whatever else the machine does, too.
    expect(end.delayMs).toBeLessThan(MAX_DELAY_MS)
    // Of what he said nothing is kept once he is gone.
    await attacker.end()
    await expect.poll(async () => (await look()).wanted).toBe(0)
    await fetched()
  },
  120_000,
)

function attackerOf(address: string): Attacker & { readonly names: number; end(): Promise<void> } {
  let names = 0
  let current: { readonly stop: () => Promise<void>; readonly connection: Connection } | undefined
  const enter = async (): Promise<Connection> => {
    for (;;) {
      await current?.stop()
      const identity = identityOf(webcrypto.getRandomValues(new Uint8Array(32)))
      const libp2p = await openLibp2p({ identity, listen: [], isBarred: () => false }, await nodeTransports())
      // He takes what he is sent, and looks at none of it.
      await libp2p.handle(BLOCK_EXCHANGE_PROTOCOL, (stream) => stream.addEventListener('message', () => undefined))
      await libp2p.start()
      const stop = async (): Promise<void> => libp2p.stop()
      names++
      try {
        const connection = await libp2p.dial(multiaddr(address))
        current = { stop, connection }
        return connection
      } catch {
        // So many a second are let in.
        await stop()
        await sleep(200)
      }
    }
  }
  let entering: Promise<Connection> | undefined
  return {
    get names() {
      return names
    },
    get connection() {
      if (current === undefined) throw new Error('he is not in yet')
      return current.connection
    },
    async stream() {
      for (;;) {
        if (current?.connection.status !== 'open') {
          entering ??= enter().finally(() => (entering = undefined))
          await entering
        }
        try {
          const stream = await current?.connection.newStream(BLOCK_EXCHANGE_PROTOCOL)
          if (stream !== undefined) return stream
        } catch {
          // Thrown out meanwhile, or no more streams are allowed.
          await sleep(50)
          if (current?.connection.status === 'open') await current.connection.close().catch(() => undefined)
        }
      }
    },
    async end() {
      await current?.stop()
    },
  }
}
