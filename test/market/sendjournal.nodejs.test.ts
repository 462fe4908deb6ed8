// A process killed at any step of sending: the next start finds out what became of it, and nothing is sent twice.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { NodeKey } from '../../src/market/nodekey.ts'
import { FINAL_DEPTH_BLOCKS } from '../../src/market/senttransactions.ts'
import { LevelDatastore } from '../../src/platform/nodejs/leveldatastore.ts'
import { nodeLines } from '../../src/platform/nodejs/nodelines.ts'
import type { Datastore } from '../../src/storage/datastore.ts'
import { MemoryDatastore } from '../../src/storage/memorydatastore.ts'
import { joinKey } from '../../src/storage/storagekey.ts'
import { bundleChild } from '../children.ts'
import { type CommitFault, FaultyDatastore } from '../fakes/faultydatastore.ts'
import { ChainWorld, never, RICH } from './chainworld.ts'
import { DyingLines } from './dyinglines.ts'
import { type FastClock, fastClock } from './fastclock.ts'

const SPEED = 10
const KILLS = import.meta.env['LONG'] ? 40 : 3
/** More of them before a kill show nothing new. */
const MOST_REQUESTS = 5

let world: ChainWorld
beforeAll(async () => {
  world = await ChainWorld.start()
})
afterAll(() => world.stop())

let keys = 5000
async function freshKey(): Promise<NodeKey> {
  const key = NodeKey.fromPrivateKey((++keys).toString(16).padStart(64, '0'))
  await world.anvil.rpc.call('anvil_setBalance', [key.address, `0x${(10n ** 20n).toString(16)}`])
  await world.mint(key.address, RICH)
  return key
}

/** Of each request that the child makes: slots, duration, price and size of a slot. */
const SENDER_PRICE = 2n * 3600n * 2n * 1000n
const AMOUNT = 1234n
let receivers = 0
/** Somebody who has nothing yet. */
function receiver(): string {
  return `0x${(++receivers).toString(16).padStart(40, 'c')}`
}

/** Opens the same node again: what the journal holds has happened in the end, once, and nothing else has. */
async function recover(key: NodeKey, datastore: Datastore, to: string): Promise<void> {
  const journaled: string[] = []
  const prefix = joinKey(`meta/market/intents/31337-${key.address}`)
  for await (const [, value] of datastore.entries(prefix, never)) journaled.push(new TextDecoder().decode(value))
  expect(journaled.length).toBeLessThanOrEqual(1)
  const market = await world.open(0, { pollSeconds: 1 }, { clock: fastClock(SPEED), key, datastore })
  await expect.poll(() => market.openIntents()).toEqual([])
  expect(await world.tokensOf(to)).toBe(journaled.length === 1 ? AMOUNT : 0n)
  expect(await nonceOf(key)).toBe(journaled.length)
  // And it goes on from there, with as much for the same one too.
  await market.sendTokens(to, AMOUNT, never)
  expect([await nonceOf(key), await world.tokensOf(to)]).toEqual([
    journaled.length + 1,
    AMOUNT * BigInt(journaled.length + 1),
  ])
  await market.stop()
}

async function nonceOf({ address }: NodeKey): Promise<number> {
  return Number(await world.anvil.rpc.call('eth_getTransactionCount', [address, 'latest']))
}

describe('killed at each commit', () => {
  it.each(['refused', 'lost answer'] as const)('%s', async (fault: CommitFault) => {
    let hasEnded = false
    for (let n = 1; !hasEnded; n++) {
      const [key, inner] = [await freshKey(), new MemoryDatastore()]
      const datastore = new FaultyDatastore(inner)
      const lines = new DyingLines(nodeLines, Infinity, 'before', () => undefined)
      const market = await world.open(0, { pollSeconds: 1 }, { clock: fastClock(SPEED), key, datastore, lines })
      const to = receiver()
      datastore.failAt(n, fault, true)
      const before = datastore.commits
      // At that commit the network is gone too.
      const watch = setInterval(() => {
        if (datastore.commits - before >= n) lines.die()
      }, 0)
      await market.sendTokens(to, AMOUNT, never).catch(() => undefined)
      clearInterval(watch)
      hasEnded = datastore.commits - before < n
      await market.stop()
      await recover(key, inner, to)
      expect(n).toBeLessThan(20)
    }
  })
})

describe('killed at each message', () => {
  it.each(['before', 'after'] as const)('%s it', async (when) => {
    let hasEnded = false
    for (let n = 1; !hasEnded; n++) {
      const [key, inner] = [await freshKey(), new MemoryDatastore()]
      const datastore = new FaultyDatastore(inner)
      const opened = new DyingLines(nodeLines, Infinity, when, () => undefined)
      let lines = opened
      const switched = {
        post: (...args: Parameters<DyingLines['post']>) => lines.post(...args),
        connect: (...args: Parameters<DyingLines['connect']>) => lines.connect(...args),
      }
      const settings = { pollSeconds: 1, attempts: 1, timeoutSeconds: 10 }
      const market = await world.open(0, settings, { clock: fastClock(SPEED), key, datastore, lines: switched })
      const to = receiver()
      lines = new DyingLines(nodeLines, n, when, () => datastore.failAt(1, 'refused', true))
      const asking = market.sendTokens(to, AMOUNT, never).then(
        () => 'done',
        () => 'failed',
      )
      await Promise.race([asking, expect.poll(() => lines.isDead, { interval: 5 }).toBe(true)])
      hasEnded = !lines.isDead
      await market.stop()
      await asking
      await recover(key, inner, to)
      expect(n).toBeLessThan(60)
    }
  })
})

it('a payment of which nobody was told is told of at each start, however it ended and however long ago, until it is answered', async () => {
  const [key, datastore, to] = [await freshKey(), new MemoryDatastore(), receiver()]
  const open = () => world.open(0, { pollSeconds: 1 }, { clock: fastClock(SPEED), key, datastore })
  const first = await open()
  await first.sendTokens(to, 1n, never)
  const tell = () => Promise.reject(new Error('nobody listens'))
  await expect(first.sendTokens(to, AMOUNT, { ...never, tell })).rejects.toThrow('nobody listens')
  await first.stop()
  // So deep that it is final, and looked after no more.
  await world.mine(FINAL_DEPTH_BLOCKS + 1)
  for (let start = 1; start <= 2; start++) {
    const market = await open()
    const [found, ...others] = await market.earlierSends(never)
    expect(others).toEqual([])
    expect(found).toMatchObject({ verb: 'sendToken', to, amount: AMOUNT, fate: 'made', nonce: 1 })
    const looks = market.requests
    await expect.poll(() => market.requests).toBeGreaterThan(looks + 3)
    if (start === 2) await market.markAnswered(found?.hashes[0] ?? '')
    await market.stop()
  }
  const last = await open()
  expect(await last.earlierSends(never)).toEqual([])
  await last.stop()
})

it('what is still under way when patience ends is told as such, and waited for the next time', async () => {
  const [key, datastore, to] = [await freshKey(), new MemoryDatastore(), receiver()]
  const clock = fastClock(SPEED)
  const open = () => world.open(0, { pollSeconds: 1 }, { clock, key, datastore })
  await world.anvil.rpc.call('evm_setAutomine', [false])
  const first = await open()
  const sending = first.sendCoins(to, AMOUNT, never)
  const stopped = expect(sending).rejects.toMatchObject({ code: 'market/stopped' })
  await expect.poll(() => first.openIntents()).toHaveLength(1)
  await first.stop()
  await stopped
  const market = await open()
  const sent = { verb: 'sendCoin', to, amount: AMOUNT }
  expect(await market.earlierSends({ ...never, patienceSeconds: 2 })).toMatchObject([{ ...sent, fate: 'under way' }])
  const waiting = market.earlierSends(never)
  await world.anvil.rpc.call('evm_setAutomine', [true])
  await world.mine()
  expect(await waiting).toMatchObject([{ ...sent, fate: 'made' }])
  await market.stop()
})

it('a clock that was set forward does not make it forget what was spent', async () => {
  const [key, datastore] = [await freshKey(), new MemoryDatastore()]
  const coin = 10n ** 18n
  const ahead = fastClock(SPEED)
  ahead.setOn(2 * 86_400)
  const send = async (clock: FastClock) => {
    const market = await world.open(0, { maxDailySpendWei: coin }, { datastore, key, clock })
    return market.sendCoins(receiver(), (coin * 3n) / 10n, never).finally(() => market.stop())
  }
  await send(fastClock(SPEED))
  await send(ahead)
  for (const clock of [fastClock(SPEED), ahead])
    await expect(send(clock)).rejects.toMatchObject({ code: 'wallet/daily-cap' })
})

it('a damaged record is told of, kept, and does not keep the node from starting', async () => {
  const [key, datastore] = [await freshKey(), new MemoryDatastore()]
  const { hash } = await world.anvil.rpc.call<{ hash: string }>('eth_getBlockByNumber', ['0x0', false])
  const damaged = joinKey(`meta/market/intents/31337-${key.address}-${hash}/`, new Uint8Array(8))
  await datastore.commit([{ put: damaged, value: Uint8Array.of(1, 2, 3, 4, 5, 6) }])
  const market = await world.open(0, {}, { key, datastore })
  expect(world.records.some(({ level, message }) => level === 'error' && message.includes('damaged'))).toBe(true)
  expect(await datastore.get(damaged)).toBeDefined()
  await market.stop()
})

it('kill -9 while it sends: nothing is lost, nothing twice', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'codex-light-journal-'))
  const script = fileURLToPath(await bundleChild('requestsender'))
  const key = await freshKey()
  const privateKey = keys.toString(16).padStart(64, '0')
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      const call = [script, world.anvil.endpoint, world.deployment.marketplace, privateKey, folder, String(kill)]
      const child = spawn(process.execPath, call, { stdio: ['ignore', 'pipe', 'inherit'] })
      let sent = 0
      child.stdout.on('data', (data: Buffer) => (sent += data.toString().split('\n').length - 1))
      const gone = new Promise((resolve) => child.once('exit', resolve))
      await expect.poll(() => sent, { interval: 3 }).toBeGreaterThan(2 + (kill % MOST_REQUESTS))
      child.kill('SIGKILL')
      await gone
    }
    const datastore = await LevelDatastore.open(folder)
    const market = await world.open(0, { pollSeconds: 1 }, { clock: fastClock(SPEED), key, datastore })
    await expect.poll(() => market.openIntents()).toEqual([])
    const ids = await market.myRequests(never)
    expect(new Set(ids).size).toBe(ids.length)
    expect(await market.tokenBalance(never)).toBe(RICH - SENDER_PRICE * BigInt(ids.length))
    // An allowance for each request, and one more where the last run was killed between the two.
    expect(await nonceOf(key)).toBeLessThanOrEqual(2 * ids.length + 1)
    await market.stop()
    await datastore.close()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
