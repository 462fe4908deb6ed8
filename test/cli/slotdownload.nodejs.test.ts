// A provider in Node fetches a slot over TCP from its bootstrap peer, each a process of its own, and either of them dies without a word in the middle: it goes on
// where it was.

import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { expect, onTestFinished, test } from 'vitest'

import { bundleChild } from '../children.ts'
import type { SlotFetcherOptions, SlotFetcherSays } from '../children/slotfetcher.ts'
import type { FetchedSlot, SlotOrder } from '../exchange/slotfetch.ts'
import { faultyProxy } from '../fakes/faultyproxy.ts'
import { seededRandom } from '../fakes/memorystore.ts'
import { document, noise, scratchFolder } from './command.ts'
import type { StartedNode } from './startednode.ts'
import { startNode, stopWell } from './startednode.ts'

const LONG = (import.meta.env['LONG'] ?? '') !== ''
const BLOCK_BYTES = 65_536
/** Of 92 blocks in two data slots. */
const SLOT_BYTES = 46 * BLOCK_BYTES
/** Blocks of one message, which one that is cut off in the middle loses. */
const MESSAGE_BLOCKS = 20
/** Deaths, in turn of who fetches and who serves. */
const DEATHS = LONG ? 40 : 2

/** Whoever lost all peers tries again after a while. */
const PATIENTLY = { timeout: 180_000 }

interface Peer {
  readonly sentBytes: number
}

async function sentBytes(node: StartedNode): Promise<number> {
  const { peers } = (await document(['peers', '-d', node.dataDir])) as unknown as { peers: readonly Peer[] }
  return peers.reduce((sum, peer) => sum + peer.sentBytes, 0)
}

/** The provider, from outside. */
class Fetcher {
  /** All it has said of how much is here. */
  readonly told: number[] = []
  fetched: FetchedSlot | undefined
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #said = ''

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#said += text))
    child.on('message', (words: SlotFetcherSays) => {
      if ('doneBytes' in words) this.told.push(words.doneBytes)
      else this.fetched = words.fetched
    })
    this.#ended = new Promise((resolve) => child.once('exit', () => resolve()))
    onTestFinished(() => void child.kill('SIGKILL'))
  }

  static async start(options: SlotFetcherOptions): Promise<Fetcher> {
    const script = fileURLToPath(await bundleChild('slotfetcher'))
    const env = { ...process.env, SLOT_FETCHER: JSON.stringify(options) }
    return new Fetcher(fork(script, { env, silent: true, execArgv: [] }))
  }

  get here(): number {
    return this.told.at(-1) ?? 0
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended
  }

  async end(): Promise<{ code: number | null; said: string; fetched: FetchedSlot | undefined }> {
    await this.#ended
    return { code: this.#child.exitCode, said: this.#said, fetched: this.fetched }
  }
}

/** Puts a protected dataset into the client's folder, and orders one slot of it. */
async function prepared(scratch: string): Promise<SlotOrder> {
  const dataDir = join(scratch, 'client')
  writeFileSync(join(scratch, 'file'), noise(2 * SLOT_BYTES, 5))
  const { cid } = await document(['upload', join(scratch, 'file'), '-d', dataDir])
  return { ...(await document(['protect', String(cid), '-d', dataDir])), slotIndex: 1 } as unknown as SlotOrder
}

test(`a slot from a bootstrap peer goes on where it was, whichever side is killed, ${DEATHS} times`, async () => {
  const scratch = scratchFolder()
  const order = await prepared(scratch)
  let client = await startNode(join(scratch, 'client'))
  const port = Number(/\/tcp\/(\d+)/.exec(client.addresses[0] ?? '')?.[1])
  // So much and no more comes over one connection: nothing is whole before somebody dies.
  const random = seededRandom(11)
  const share = LONG ? () => Math.floor(random() * 900_000) : () => 1_300_000
  const proxy = await faultyProxy(port, { stallAfterBytes: share() })
  onTestFinished(() => proxy.close())
  const options = {
    dataDir: join(scratch, 'provider'),
    bootstrap: `/ip4/127.0.0.1/tcp/${proxy.port}/p2p/${client.peerId}`,
    order,
  }
  let provider = await Fetcher.start(options)
  let here = 0
  for (let death = 1; death <= DEATHS; death++) {
    const stalls = proxy.stalls
    // In the long run it dies wherever the line does; else when something new was stored.
    if (LONG) await expect.poll(() => proxy.stalls > stalls || provider.fetched !== undefined, PATIENTLY).toBe(true)
    else await expect.poll(() => provider.here).toBeGreaterThan(here)
    if (provider.fetched !== undefined) break
    here = provider.here
    proxy.faults = { stallAfterBytes: death === DEATHS ? Infinity : share() }
    if (death % 2 === 1) {
      await provider.kill()
      provider = await Fetcher.start(options)
      // Without anything stored it has to hear of the slot anew.
      if (here === 0) continue
      await expect.poll(() => provider.told.length).toBeGreaterThan(0)
      // Found on its own disk, before anything came.
      const [found = 0] = provider.told
      expect(found).toBeGreaterThanOrEqual(here)
      here = found
    } else {
      client.child.kill('SIGKILL')
      await client.ended
      here = provider.here
      client = await startNode(join(scratch, 'client'), ['-i', `/ip4/127.0.0.1/tcp/${port}`])
    }
    if (!LONG) expect(provider.here).toBeLessThan(SLOT_BYTES)
  }
  const { code, said, fetched } = await provider.end()
  expect({ code, said }).toEqual({ code: 0, said: '' })
  expect(fetched).toEqual({ problems: [], paidBytes: SLOT_BYTES })
  expect(provider.here).toBe(SLOT_BYTES)
  if (!LONG) {
    // From who lives now came what was missing, and no more.
    expect(await sentBytes(client)).toBeLessThanOrEqual(SLOT_BYTES - here + BLOCK_BYTES)
    // In all each block came once, but for a message cut off with each death.
    expect(proxy.passedBytes).toBeLessThan((SLOT_BYTES + DEATHS * MESSAGE_BLOCKS * BLOCK_BYTES) * 1.05)
  }
  await stopWell(client)
})
